"""``braindecode-bolt models``: the models by name, and what each needs."""

from __future__ import annotations

import argparse
import textwrap

from .._catalogue import BRAINDECODE, LINEAR, NETWORKS, Entry, alike, find

NAME = "models"
SUMMARY = "list the models, or say what one of them needs"
DESCRIPTION = """\
List the models that `evaluate --models` and EEGRegressor take by name, with their
number of parameters (for 26 channels, 16 s at 200 Hz and 64 regions) and what they
need. With names, say more about these models.
"""
EPILOG = None

_GROUPS = (
    ("Networks of braindecode-bolt", NETWORKS),
    ("Linear models and Gaussian processes", LINEAR),
    ("Models of braindecode", BRAINDECODE),
)
_WIDTH = 88


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("names", nargs="*", metavar="NAME", help="models to describe")


def run(arguments: argparse.Namespace) -> int:
    """Print the models.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of the command.

    Returns
    -------
    int
        Exit status, 0.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    if arguments.names:
        print("\n\n".join(_described(name) for name in arguments.names))
    else:
        print("\n\n".join(_table(title, table) for title, table in _GROUPS))
        print("\nbraindecode-bolt models NAME says more.")
    return 0


def _table(title: str, table: dict[str, Entry]) -> str:
    lines = [title, "-" * len(title)]
    for name, entry in table.items():
        what = entry.kind
        if entry.cannot:
            what += f"; not for BOLD: {entry.cannot}"
        elif entry.needs:
            what += f"; needs {entry.needs}"
        if entry.weights:
            what += "; has published weights"
        head = f"{name:<24}{_size(entry):>7}  "
        lines.append(
            textwrap.fill(what, _WIDTH, initial_indent=head, subsequent_indent=" " * 33)
        )
    return "\n".join(lines)


def _size(entry: Entry) -> str:
    if entry.millions is None:
        return ""
    return f"{entry.millions:.3g} M" if entry.millions >= 1 else f"{entry.millions:.3f} M"


def _described(name: str) -> str:
    found = find(name)
    if found is None:
        raise ValueError(
            f"There is no model {name!r}.{alike(name)} `braindecode-bolt models` lists "
            "them all."
        )
    name, entry = found
    place = next(title for title, table in _GROUPS if name in table)
    rows = {
        "group": place,
        "made of": entry.kind,
        "parameters": _size(entry) and f"{_size(entry)} (26 channels, 16 s, 64 regions)",
        "published at": "" if entry.rate is None else f"{entry.rate:g} Hz",
        "needs": entry.needs,
        "weights": entry.weights and f"{entry.weights}; see its page for the licence",
        "input": _unit(name, entry),
        "output": "a series, averaged over time" if entry.dense else "",
        "not for BOLD": entry.cannot,
        "in Python": "" if entry.cannot else f"make_estimator({name!r})",
        "command": "" if entry.cannot else f"braindecode-bolt evaluate --models {name}",
    }
    lines = [
        textwrap.fill(
            text, _WIDTH, initial_indent=f"  {key:<14}", subsequent_indent=" " * 16
        )
        for key, text in rows.items()
        if text
    ]
    return "\n".join([name, *lines])


def _unit(name: str, entry: Entry) -> str:
    if name in LINEAR or entry.cannot:
        return ""
    if name in NETWORKS:
        return "microvolts, divided by 100 in the network"
    if entry.unit is None:
        return "microvolts, divided by the standard deviation of the training windows"
    return f"microvolts, divided by {entry.unit:g}, as it was pre-trained"
