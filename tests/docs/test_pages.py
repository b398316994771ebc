"""What the pages show is run: Python code, commands of this package, and their output."""

import contextlib
import doctest
import io
import re
import shlex
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from braindecode_bolt.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = ("generated", "auto_examples", "_build")
# A block is skipped below a comment ".. not run, because ...". What it prints may follow in
# a block of text with the class "output", as in doctests: "..." stands for anything.
_RST = re.compile(
    r"(?m)^(?P<before>\.\. not run.*\n\n)?\.\. code-block:: (?P<language>python|bash)\n"
    r"(?:   :.*\n)*\n(?P<code>(?:(?:   .*)?\n)+)"
    r"(?:\.\. code-block:: text\n   :class: output\n\n(?P<output>(?:(?:   .*)?\n)+))?"
)
_MARKDOWN = re.compile(
    r"(?m)^(?P<before>(?!))?```(?P<language>python)\n(?P<code>(?:.*\n)*?)```\n(?P<output>(?!))?"
)


class Block(NamedTuple):
    language: str
    code: str
    output: str | None


def blocks(page):
    """What is to be run on a page, and what it prints, if the page says so."""
    text = (ROOT / page).read_text(encoding="utf-8") + "\n"
    pattern = _MARKDOWN if page.endswith(".md") else _RST
    return [
        Block(found["language"], *map(_dedent, (found["code"], found["output"])))
        for found in pattern.finditer(text)
        if not found["before"]
    ]


def _dedent(text):
    return text and textwrap.dedent(text)


def pages():
    """Pages with code, which runs in its order from an empty folder."""
    written = sorted(path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.rst"))
    made = tuple(f"docs/{folder}/" for folder in MADE)
    return [
        page
        for page in ["README.md", *written]
        if not page.startswith(made) and blocks(page)
    ]


def commands(code):
    """Arguments of the commands of this package in a shell script."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["braindecode-bolt"]:
            yield words[1:]


def run(block, page, names):
    """Run a block, and give what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        if block.language == "python":
            exec(compile(block.code, page, "exec"), names)
        else:
            for arguments in commands(block.code):
                try:
                    status = main(arguments)
                except SystemExit as end:  # Of --version and --help.
                    status = end.code
                assert status == 0, arguments
    return printed.getvalue()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", pages())
def test_the_code_of_a_page_runs_and_prints_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for block in blocks(page):
        printed = run(block, page, names)
        if block.output is not None:
            checked = doctest.OutputChecker().check_output(block.output, printed, flags)
            assert checked, f"{block.code}\nprinted\n{printed}"
