"""Figures of the gallery, with descriptions for those who cannot see them.

Sphinx-Gallery takes only figures that pyplot knows, describes one without titles by the
name of its file, and leaves thumbnails without a description.
"""

from __future__ import annotations

import html
import re
from typing import Any

import matplotlib.pyplot as plt
from docutils import nodes
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_TITLE = re.compile(r'class="sphx-glr-thumbnail-title">(.*?)</div>')


def save_figures(block, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save open figures, and the one that a block of an example calls ``figure``."""
    figures = [plt.figure(number) for number in plt.get_fignums()]
    named = block_vars["example_globals"].pop("figure", None)
    if isinstance(named, Figure) and named not in figures:
        figures.append(named)
    rst = []
    for figure in figures:
        path = next(block_vars["image_path_iterator"])
        figure.savefig(path, dpi=110)
        rst.append(figure_rst([path], gallery_conf["src_dir"], describe(figure)))
    plt.close("all")
    return "\n".join(rst)


def describe(figure: Figure) -> str:
    """Say what stands in a figure: its titles, the names of axes, its legends."""
    axes = figure.get_axes()
    titles = [figure.get_suptitle()]
    titles += [axis.get_title(loc) for axis in axes for loc in ("left", "center", "right")]
    labels = [label for axis in axes for label in (axis.get_ylabel(), axis.get_xlabel())]
    legends = [axis.get_legend() for axis in axes] + list(figure.legends)
    entries = [text.get_text() for each in legends if each for text in each.get_texts()]
    ticks = [
        text.get_text()
        for axis in axes
        for text in axis.get_yticklabels()
        if re.match(r"[^\W\d]", text.get_text())
    ]
    parts = {"": titles, "axes": labels, "rows": ticks, "legend": entries}
    said = []
    for what, texts in parts.items():
        texts = [" ".join(text.split()) for text in dict.fromkeys(texts) if text.strip()]
        if texts:
            said.append(f"{what}: {', '.join(texts)}" if what else ", ".join(texts))
    return f"Figure: {'; '.join(said)}" if said else ""


def describe_thumbnails(app, doctree: nodes.document) -> None:
    """Set the description of each thumbnail to the title that follows it."""
    waiting: list[nodes.image] = []
    for node in doctree.findall():
        if isinstance(node, nodes.image) and not node.get("alt"):
            waiting.append(node)
        elif isinstance(node, nodes.raw) and (found := _TITLE.search(node.astext())):
            for image in waiting:
                image["alt"] = f"Picture of the example: {html.unescape(found[1])}"
            waiting = []


def setup(app):
    """Describe thumbnails once a page has been read."""
    app.connect("doctree-read", describe_thumbnails)
    return {"parallel_read_safe": True}
