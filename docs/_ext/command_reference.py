"""``.. command-reference::`` documents every command from its argument parser."""

from __future__ import annotations

import argparse
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from braindecode_bolt.cli.parser import build_parser


def commands() -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Summary and parser of each command."""
    (subparsers,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    summaries = {choice.dest: choice.help or "" for choice in subparsers._choices_actions}
    return {name: (summaries[name], sub) for name, sub in subparsers.choices.items()}


def lines_of_option(
    action: argparse.Action, formatter: argparse.HelpFormatter
) -> list[str]:
    """An option as reStructuredText."""
    if not action.option_strings:
        names = action.metavar if isinstance(action.metavar, str) else action.dest
    else:
        value = ""
        if action.nargs != 0:
            value = " " + formatter._format_args(
                action, formatter._get_default_metavar_for_optional(action)
            )
        names = ", ".join(f"{option}{value}" for option in action.option_strings)
    text = formatter._expand_help(action) if action.help else ""
    return [f".. option:: {names}", "", f"   {escaped(text)}", ""]


def escaped(text: str) -> str:
    """Plain text as reStructuredText, with options in code."""
    text = re.sub(r"([\\*`|_])", r"\\\1", text)
    return re.sub(r"(?<![\w-])(--[a-z][a-z-]*)", r"``\1``", text)


def lines_of_command(name: str, summary: str, parser: argparse.ArgumentParser) -> list[str]:
    """A command as reStructuredText."""
    title = f"braindecode-bolt {name}"
    formatter = parser._get_formatter()
    lines = [title, "-" * len(title), "", f"{summary[:1].upper()}{summary[1:]}.", ""]
    lines += [".. code-block:: none", "   :class: command-text", ""]
    usage = parser.format_usage().removeprefix("usage: ")
    lines += [f"   {re.sub('^ +', '    ', line)}" for line in usage.splitlines()] + [""]
    for text in (parser.description, parser.epilog):
        if text:
            lines += [".. code-block:: none", "   :class: command-text", ""]
            lines += [f"   {line}" for line in text.strip("\n").splitlines()] + [""]
    lines += [f".. program:: {title}", ""]
    for group in parser._action_groups:
        shown = [a for a in group._group_actions if a.help != argparse.SUPPRESS]
        if shown:
            lines += [f".. rubric:: {str(group.title).capitalize()}", ""]
            for action in shown:
                lines += lines_of_option(action, formatter)
    return lines


class CommandReference(SphinxDirective):
    """All commands, each with its usage, description and options."""

    def run(self) -> list[nodes.Node]:
        """Write the commands as reStructuredText and parse it."""
        self.env.note_reread()  # Sphinx cannot see that a parser has changed.
        lines: list[str] = []
        for name, (summary, parser) in commands().items():
            lines += lines_of_command(name, summary, parser)
        return self.parse_text_to_nodes(
            "\n".join(StringList(lines, source="parser")), allow_section_headings=True
        )


def setup(app):
    """Register the directive."""
    app.add_directive("command-reference", CommandReference)
    return {"parallel_read_safe": True}
