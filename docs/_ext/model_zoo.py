"""Writes a card of every model, from the models themselves, before the docs are read.

Sizes, demands on channels, rates and windows are found by building each network; the
text is that of its docstring.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
from numpydoc.docscrape import ClassDoc
from torch import nn

from braindecode_bolt._catalogue import BRAINDECODE
from braindecode_bolt.linear import LINEAR
from braindecode_bolt.models import NETWORKS, PUBLISHED_CHANNELS
from braindecode_bolt.training import SIZES

#: Channels, window and regions for which sizes are given.
CHANNELS = list(PUBLISHED_CHANNELS)
SECONDS, SFREQ, REGIONS = 16, 200, 7
RATES = (100, 128, 200, 250, 256, 500)
LENGTHS = (2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 32)


def build(model: type, sfreq: int = SFREQ, seconds: int = SECONDS, **given) -> nn.Module:
    """A network for the published channels."""
    return model(
        n_outputs=REGIONS,
        ch_names=CHANNELS,
        n_times=sfreq * seconds,
        sfreq=sfreq,
        **given,
    )


def works(model: type, **given) -> bool:
    """Whether a network can be built with these arguments."""
    try:
        build(model, **given)
    except (ValueError, TypeError, RuntimeError):
        return False
    return True


def n_weights(module: nn.Module) -> int:
    """Number of trained weights."""
    return sum(weight.numel() for weight in module.parameters())


def smaller(name: str) -> dict:
    """Arguments of the small network."""
    given = SIZES["small"].get(name, {})
    return {
        key.removeprefix("module__"): value
        for key, value in given.items()
        if key.startswith("module__")
    }


def demands(name: str, model: type) -> dict[str, str]:
    """What a network needs and how large it is."""
    rates = [rate for rate in RATES if works(model, sfreq=rate)]
    lengths = [length for length in LENGTHS if works(model, seconds=length)]
    parameters = inspect.signature(model).parameters
    small = n_weights(build(model, **smaller(name)))
    named = getattr(model, "NEEDS_CHANNEL_NAMES", False)
    return {
        "Weights": f"{n_weights(build(model)):,} at the published size, {small:,} small",
        "Channels": "known by name (LaBraM's 128)" if named else "any number and names",
        "Sampling rates": "any" if len(rates) == len(RATES) else f"{listed(rates)} Hz",
        "Window lengths": f"{listed(lengths)} s (of those tried: {listed(LENGTHS)} s)",
        "Published weights": (
            "can be loaded: ``pretrained=``" if "pretrained" in parameters else "none"
        ),
        "Licence of the code": "BSD-3-Clause, written for this package",
    }


def listed(numbers) -> str:
    """Numbers separated by commas."""
    return ", ".join(str(number) for number in numbers)


def draw(name: str, model: type, folder: Path) -> None:
    """Draw how many weights each part of a network has."""
    parts = {part: n_weights(child) for part, child in build(model).named_children()}
    parts = {part: number for part, number in parts.items() if number}
    figure, axes = plt.subplots(figsize=(6.4, 0.6 + 0.3 * len(parts)), layout="constrained")
    bars = axes.barh(list(parts), list(parts.values()), color="#2a6f97")
    axes.bar_label(bars, [f"{number:,}" for number in parts.values()], padding=3)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(parts.values()))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel("weights")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / f"{name}.png", dpi=110)
    plt.close(figure)


def card(name: str, model: type, path: str, table: dict[str, str], figure: bool) -> str:
    """The card of a model as reStructuredText."""
    doc = ClassDoc(model, config={"show_class_members": False})
    summary = unlinked(" ".join(doc["Summary"]).strip())
    text = unlinked("\n".join(doc["Extended Summary"]))
    lines = [name, "=" * len(name), "", summary, "", *text.splitlines(), ""]
    if table:
        lines += [
            f"Sizes are for {len(CHANNELS)} channels, {SECONDS} s at {SFREQ} Hz and "
            f"{REGIONS} regions.",
            "",
            ".. list-table::",
            "   :widths: 25 75",
            "",
        ]
        for what, value in table.items():
            lines += [f"   * - {what}", f"     - {value}"]
        lines += [""]
    if figure:
        lines += [
            f".. figure:: {name}.png",
            f"   :alt: Bar chart of the number of weights in each part of {name}",
            "",
            "   Weights of the parts, at the published size.",
            "",
        ]
    if doc["References"]:
        lines += [".. rubric:: Source", ""]
        lines += ["\n".join(references(doc["References"])), ""]
    lines += [
        ".. rubric:: Use",
        "",
        ".. code-block:: python",
        "",
        "   from braindecode_bolt import make_estimator",
        "",
        f'   model = make_estimator("{name}")',
        "",
        f"All arguments and methods: :class:`{path}`.",
        "",
    ]
    return "\n".join(lines)


def unlinked(text: str) -> str:
    """Text without its citation links, which would be defined twice."""
    text = re.sub(r"\bin \[([A-Za-z]+)(\d{4})\w*\]_", r"in \1 et al. (\2)", text)
    return re.sub(r"\s*\[\w+\]_", "", text)


def references(lines: list[str]) -> list[str]:
    """The references of a docstring as a list."""
    text = " ".join(line.strip() for line in lines)
    items = [item.strip() for item in re.split(r"\.\. \[\w+\]\s+", text) if item.strip()]
    return [f"* {item}" for item in items]


def overview(cards: dict[str, dict[str, str]], summaries: dict[str, str]) -> str:
    """Table of all models."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 24 46 30", ""]
    lines += ["   * - Model", "     - What", "     - Weights, published and small"]
    for name, table in cards.items():
        sizes = re.findall(r"[\d,]*\d", table.get("Weights", ""))
        size = " and ".join(sizes) if sizes else "linear"
        lines += [f"   * - :doc:`/generated/zoo/{name}`", f"     - {summaries[name]}"]
        lines += [f"     - {size}"]
    return "\n".join(lines) + "\n"


def of_braindecode() -> str:
    """Table of the networks of braindecode."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 25 15 60", ""]
    lines += ["   * - Network", "     - Weights", "     - What it needs"]
    for name, entry in BRAINDECODE.items():
        size = "" if entry.millions is None else f"{entry.millions:.3g} M"
        what = entry.kind
        if entry.cannot:
            what += f". **Not for BOLD**: {entry.cannot}"
        elif entry.needs:
            what += f"; needs {entry.needs}"
        if entry.weights:
            what += ". Has published weights"
        link = f":class:`~braindecode.models.{name}`"
        lines += [f"   * - {link}", f"     - {size}", f"     - {what}."]
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file if its text is new, so that Sphinx reads only what changed."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def make_zoo(app) -> None:
    """Write all cards into ``generated/zoo``."""
    folder = Path(app.srcdir, "generated", "zoo")
    folder.mkdir(parents=True, exist_ok=True)
    cards, summaries = {}, {}
    for name, model in {**NETWORKS, **LINEAR}.items():
        is_network = name in NETWORKS
        cards[name] = demands(name, model) if is_network else {}
        doc = inspect.getdoc(model) or ""
        summaries[name] = unlinked(doc.split("\n\n")[0].replace("\n", " "))
        room = "" if is_network else "linear."
        text = card(name, model, f"~braindecode_bolt.{room}{name}", cards[name], is_network)
        write(folder / f"{name}.rst", text)
        if is_network:
            draw(name, model, folder)
    write(folder / "overview.txt", overview(cards, summaries))
    write(folder / "braindecode.txt", of_braindecode())


def setup(app):
    """Make the zoo before the documents are read."""
    app.connect("builder-inited", make_zoo)
    return {"parallel_read_safe": True}
