"""Pictures say what they show, and links of the pages lead somewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    path
    for path in sorted(DOCS.rglob("*.rst"))
    if not {"generated", "auto_examples", "_build", "_templates"} & set(path.parts)
]
TEMPLATES = sorted((ROOT / "braindecode_bolt" / "report").glob("*.html"))
MARKDOWN = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
_PICTURE = re.compile(
    r"(?m)^(?P<indent> *)\.\. (?:image|figure):: (?P<path>\S+)\n(?P<rest>(?:.+\n)*)"
)
#: A description is longer than a file name and no file name.
_SHORTEST = 20


class Images(HTMLParser):
    """Attributes of each img tag."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


def says_something(alt):
    return len(alt) >= _SHORTEST and not re.search(r"\.(png|svg|jpe?g)$", alt)


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pictures_of_the_pages_exist_and_have_a_description(path):
    for picture in _PICTURE.finditer(path.read_text()):
        file = picture["path"]
        folder = DOCS if file.startswith("/") else path.parent
        assert (folder / file.lstrip("/")).is_file(), file
        alt = re.search(r":alt: *((?:.+\n)(?:(?! *:\w+:).+\n)*)", picture["rest"])
        assert alt, f"{file} has no :alt:"
        assert says_something(" ".join(alt[1].split())), file


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_pictures_of_the_reports_have_a_description(path):
    for image in Images(path.read_text()).found:
        assert says_something(image.get("alt", "")), image


@pytest.mark.parametrize("path", MARKDOWN, ids=name)
def test_relative_links_and_pictures_of_markdown_exist(path):
    text = re.sub(r"(?s)```.*?```", "", path.read_text())
    pictures = [(image["src"], image.get("alt", "")) for image in Images(text).found]
    pictures += [
        (file, alt) for alt, file in re.findall(r"!\[([^]]*)\]\(([^)\s]+)\)", text)
    ]
    for file, alt in pictures:
        assert says_something(alt), file
    links = re.findall(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)", text)
    links += re.findall(r'srcset="([^"]+)"', text) + [file for file, _ in pictures]
    for link in links:
        if not re.match(r"(https?:|mailto:|#)", link):
            assert (path.parent / link.partition("#")[0]).exists(), link


def test_the_tables_of_the_readme_fit_a_page():
    """GitHub's page is some 110 characters wide; wider tables scroll, or squeeze words."""
    rows = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line[:1] == "|"
    ]
    for row in rows:
        words = [
            max(map(len, cell.split()), default=0) for cell in row.strip("|").split("|")
        ]
        assert sum(words) + 3 * len(words) <= 110, row
