"""The gallery is complete, in order, and says where its data are from."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("plot_*.py"))


@pytest.fixture(scope="module")
def order():
    file = ROOT / "docs" / "_ext" / "gallery_order.py"
    spec = importlib.util.spec_from_file_location("gallery_order", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_in_its_section(order):
    listed = {
        (section, f"plot_{name}.py")
        for section, names in order.SECTIONS.items()
        for name in names
    }
    assert listed == {(file.parent.name, file.name) for file in EXAMPLES}
    for section in order.SECTIONS:
        assert (ROOT / "examples" / section / "README.rst").is_file()


def test_examples_are_sorted_as_listed(order):
    key = order.Order("examples/begin")
    names = [f"plot_{name}.py" for names in order.SECTIONS.values() for name in names]
    assert sorted([*reversed(names), "plot_zebra.py"], key=key) == [*names, "plot_zebra.py"]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_says_where_its_data_are_from_and_what_comes_next(file):
    text = file.read_text(encoding="utf-8")
    assert re.search("simulated|OpenNeuro", ast.get_docstring(ast.parse(text)))
    assert "# **Next:** :ref:`" in text
    for section, name in re.findall(
        r"sphx_glr_auto_examples_([a-z]+)_(plot_\w+\.py)", text
    ):
        assert (ROOT / "examples" / section / name).is_file()
    for page in re.findall(r":doc:`/([\w/]+)`", text):
        assert (ROOT / "docs" / f"{page}.rst").is_file()
    # Figures are shown by plt.show() or as the last value of a block, with labels.
    assert re.search(r"plt\.show\(\)|^figure$", text, re.MULTILINE)


def test_pages_link_to_examples_that_exist():
    pages = [
        file
        for file in (ROOT / "docs").rglob("*.rst")
        if not {"auto_examples", "generated"} & set(file.parts)
    ]
    links = {
        (file.name, link)
        for file in pages
        for link in re.findall(r"/auto_examples/([\w/]*plot_\w+)", file.read_text("utf-8"))
    }
    assert links
    missing = [
        (page, link)
        for page, link in links
        if not (ROOT / "examples" / f"{link}.py").is_file()
    ]
    assert not missing
