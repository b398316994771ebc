"""What the pages show is run: Python code, and commands of this package."""

import re
import shlex
import textwrap
from pathlib import Path

import pytest

from braindecode_bolt.cli import main

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(
    r"(?m)^(?P<before>\.\. not run.*\n\n)?\.\. code-block:: (?P<language>python|bash)\n"
    r"(?:   :.*\n)*\n(?P<code>(?:(?:   .*)?\n)+)"
)


def blocks(page):
    """Language and code of what is to be run on a page."""
    text = (DOCS / page).read_text() + "\n"
    return [
        (found["language"], textwrap.dedent(found["code"]))
        for found in _BLOCK.finditer(text)
        if not found["before"]
    ]


#: Pages with code that runs as it stands, from an empty folder.
PAGES = [
    page
    for page in sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.rst"))
    if page.startswith(("quickstart", "tutorials/")) and blocks(page)
]


def commands(code):
    """Arguments of the commands of this package in a shell script."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["braindecode-bolt"]:
            yield words[1:]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page}
    for language, code in blocks(page):
        if language == "python":
            exec(compile(code, page, "exec"), names)
            continue
        for arguments in commands(code):
            assert main(arguments) == 0, arguments
