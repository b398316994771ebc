"""Sphinx configuration."""

import warnings

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

import braindecode_bolt

matplotlib.use("agg")
# braindecode under pandas 3.1; nothing of ours.
warnings.filterwarnings("ignore", "The inplace keyword in DataFrame")

project = "braindecode-bolt"
author = "the braindecode-bolt developers"
copyright = f"2026, {author}"  # noqa: A001
release = version = braindecode_bolt.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = project
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_show_sourcelink = False

# Settings that hold a function are not kept between builds, which does no harm.
suppress_warnings = ["config.cache"]
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False


def own_figures(block, block_vars, gallery_conf):
    """Show what our plotting functions return, which pyplot does not know of."""
    figure = block_vars["example_globals"].pop("figure", None)
    if not isinstance(figure, Figure) or plt.fignum_exists(getattr(figure, "number", -1)):
        return ""
    path = next(block_vars["image_path_iterator"])
    figure.savefig(path, dpi=110)
    return figure_rst([path], gallery_conf["src_dir"])


sphinx_gallery_conf = {
    "image_scrapers": (own_figures, "matplotlib"),
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "reference_url": {"braindecode_bolt": None},
    "doc_module": ("braindecode_bolt",),
    "remove_config_comments": True,
    "show_memory": False,
    "abort_on_example_error": True,
}
