"""Sphinx configuration."""

import inspect
import os
import re
import sys
import warnings
from pathlib import Path

# Before NumPy and PyTorch are imported. The examples are small; on a busy machine, threads
# that wait for each other take many times longer than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib
from sphinx.util.inspect import stringify_signature

import braindecode_bolt

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
from gallery_figures import save_figures
from gallery_order import SECTIONS
from make_inventories import PROJECTS
from own_methods import own_methods

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
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "gallery_figures",
    "command_reference",
    "model_zoo",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "generated/zoo/*.txt"]

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["own.css"]
html_js_files = ["own.js"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": project, "alt_text": "braindecode-bolt, front page"},
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "navbar_end": ["version-switcher", "theme-switcher"],
    "navbar_persistent": ["search-button"],
    "switcher": {
        "json_url": "_static/switcher.json",
        "version_match": "dev" if "dev" in release else release,
    },
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "show_nav_level": 1,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# Pages that stand alone in their section have nothing to list on the left.
html_sidebars = {
    page: [] for page in ("index", "install", "quickstart", "auto_examples/**", "search")
}

# Settings that hold a function are not kept between builds, which does no harm.
# Files that are included begin below their page's title.
suppress_warnings = ["config.cache", "myst.header"]
autosummary_generate = True
autosummary_context = {"own_methods": own_methods}
autodoc_typehints = "none"
# Defaults as they are written, a parameter a line where a signature is long, and methods
# without the name of their class in the list of a page.
autodoc_preserve_defaults = True
maximum_signature_line_length = 70
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
# Types of parameters become links.
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "Tensor": "torch.Tensor",
    "Path": "pathlib.Path",
    "Module": "torch.nn.Module",
    "nn.Module": "torch.nn.Module",
    "nn.MSELoss": "torch.nn.MSELoss",
}
# The package's own classes, wherever they stand.
for _name in re.findall(
    r"(?m)^   ((?:[a-z_]+\.)*[A-Z]\w+)$", (Path(__file__).parent / "api.rst").read_text()
):
    numpydoc_xref_aliases[_name.rpartition(".")[2]] = f"braindecode_bolt.{_name}"
numpydoc_xref_ignore = {"of", "or", "shape", "optional", "default", "type", "a", "and"}

# Links to other projects need no network: their inventories are in the repository.
intersphinx_mapping = {
    name: (address, f"inventories/{name}.inv") for name, (address, _) in PROJECTS.items()
}

# Prompts and output are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.output) > div.highlight pre"
myst_heading_anchors = 3

# Addresses are checked by ``sphinx -b linkcheck`` where there is a network.
linkcheck_timeout = 20


sphinx_gallery_conf = {
    "image_scrapers": (save_figures,),
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": os.environ.get("GALLERY", "/plot_"),
    "subsection_order": [f"../examples/{section}" for section in SECTIONS],
    "within_subsection_order": "gallery_order.Order",
    "reference_url": {"braindecode_bolt": None},
    "doc_module": ("braindecode_bolt",),
    "backreferences_dir": "generated/backreferences",
    "remove_config_comments": True,
    "show_memory": False,
    # Figures are shown, not what they are called.
    "ignore_repr_types": r"matplotlib|nilearn\.plotting",
    "abort_on_example_error": True,
}


def arguments_of_networks(app, what, name, obj, options, signature, returned):
    """Show the arguments of networks, which a base class hides behind ``*args``."""
    if what != "class" or signature != "(*args, **kwargs)":
        return None
    shown = stringify_signature(inspect.signature(obj), show_annotation=False)
    return re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", shown), returned


def setup(app):
    """Connect what belongs to no extension."""
    app.connect("autodoc-process-signature", arguments_of_networks)
