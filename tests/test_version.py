import re
from pathlib import Path

from braindecode_bolt import __version__

ROOT = Path(__file__).parents[1]


def test_the_citation_has_the_version_of_the_package():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", text, re.M).group(1) == __version__


def test_the_changelog_has_a_section_for_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    release = re.match(r"\d+\.\d+\.\d+", __version__).group()
    assert f"## {release}" in text
