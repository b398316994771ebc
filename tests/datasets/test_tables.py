"""Tables of volumes x regions in text files."""

import numpy as np
import pandas as pd
import pytest

from braindecode_bolt.bold.tables import TableError
from braindecode_bolt.datasets import UnknownRegionError
from braindecode_bolt.datasets._choosing import region_names
from braindecode_bolt.datasets._tables import read_table

from ..damage import damaged

REGIONS = ["LH_Vis_1", "Heschl’s gyrus", "RH_Limbic_1", "Left-Amygdala"]


@pytest.fixture
def table(make_bold):
    return make_bold(40, REGIONS)


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, rois=None, name="sub-01_bold.tsv"):
        file = tmp_path / name
        if isinstance(content, pd.DataFrame):
            separator = "," if name.endswith(".csv") else "\t"
            content = content.to_csv(sep=separator, index=False, na_rep="n/a")
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(file, region_names(rois))

    return write_and_read


@pytest.mark.parametrize("name", ["x_bold.tsv", "x_bold.csv", "x.TSV"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_numbers_come_back_exactly(read, table, name, mark, end):
    separator = "," if name.endswith("csv") else "\t"
    text = table.to_csv(sep=separator, index=False, lineterminator=end)
    found = read(mark + text.encode() + b"\n\n", name=name)
    assert list(found) == ["LH_Vis_1", "Heschl's gyrus", "RH_Limbic_1", "Left-Amygdala"]
    np.testing.assert_array_equal(found, table)
    assert found.index.name == "volume" and found.attrs["n_volumes"] == 40


def test_a_region_without_a_value_is_named(read, table):
    table["RH_Limbic_1"] = np.nan
    with pytest.raises(ValueError, match="no value in 1 of 4 regions: RH_Limbic_1.*rois"):
        read(table)
    # It does not matter where it was not asked for, and nor do other columns.
    table["comment"] = "bad scan"
    table["time"] = 2.1 * np.arange(40)
    chosen = read(table, ["Heschl's gyrus", "LH_Vis_1"])
    np.testing.assert_array_equal(chosen, table[["Heschl’s gyrus", "LH_Vis_1"]])
    with pytest.raises(ValueError, match="no value in 1 of 2 regions: RH_Limbic_1"):
        read(table, ["LH_Vis_1", "RH_Limbic_1"])


@pytest.mark.parametrize("apostrophe", "'‘’ʼ′`´")
def test_any_apostrophe_will_do(read, table, apostrophe):
    name = f"Heschl{apostrophe}s gyrus"
    assert list(read(table, [name])) == ["Heschl's gyrus"]
    renamed = table.rename(columns={"Heschl’s gyrus": name})
    assert list(read(renamed, ["Heschl’s gyrus"])) == ["Heschl's gyrus"]
    with pytest.raises(TableError, match="names a column twice: Heschl's gyrus"):
        read(table.assign(**{"Heschl's gyrus": 1.0}))


@pytest.mark.parametrize("censored", [[5, 6, 20], [0], [38, 39]])
def test_censored_volumes_have_no_row(read, table, censored, caplog):
    """As XCP-D writes them."""
    table.loc[censored] = np.nan
    found = read(table)
    assert set(range(40)) - set(found.index) == set(censored)
    assert found.attrs["n_volumes"] == 40
    told = f"{len(censored)} of 40 volumes have no value in any region"
    assert told in caplog.text and str(censored[0]) in caplog.text
    # A region without coverage does not hide them.
    again = read(table.assign(X=np.nan), REGIONS)
    pd.testing.assert_frame_equal(again, found)


def test_a_value_missing_elsewhere_is_an_error(read, table):
    table.loc[7, "LH_Vis_1"] = np.nan
    with pytest.raises(
        ValueError,
        match="1 missing .* value, .* volume 7, region 'LH_Vis_1'",
    ):
        read(table)


def test_a_table_without_names_is_refused(read, table):
    text = table.to_csv(sep="\t", index=False, header=False)
    with pytest.raises(TableError, match="no row of names: its first row is 0.125"):
        read(text)
    # What pandas writes where the columns have no names are names.
    numbered = table.set_axis(range(4), axis=1)
    assert list(read(numbered)) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_rows_is_left_out(read, table, first, caplog):
    caplog.set_level("INFO")
    for label in ("", "Unnamed: 0"):
        indexed = table.set_axis(range(first, 40 + first)).to_csv(
            sep="\t", index_label=label or False
        )
        indexed = indexed if label else "\t" + indexed
        np.testing.assert_array_equal(read(indexed), table)
        assert "column 1 has no name, counts rows and is left out" in caplog.text
        caplog.clear()
    # One that does not may be the numbers of volumes.
    with pytest.raises(TableError, match="column 1 has no name.*'volume'"):
        read(table.drop(index=3).to_csv(sep="\t"))


def test_empty_columns_are_left_out(read, table, caplog):
    caplog.set_level("INFO")
    text = table.to_csv(sep="\t", index=False).replace("\n", "\t\n")
    np.testing.assert_array_equal(read(text), table)
    assert "column 5 is empty and left out" in caplog.text


def test_the_column_of_volumes(read):
    found = read("Volume,A\n3,1\n4,5\n7,3\n", name="x_bold.csv")
    assert found.index.tolist() == [3, 4, 7] and list(found) == ["A"]
    assert "n_volumes" not in found.attrs
    for wrong in ("3,1\n3,5\n", "3,1\n2,5\n", "0.5,1\n1,5\n", "x,1\n1,5\n", ",1\n1,5\n"):
        with pytest.raises(TableError, match="'volume' must hold integers that ascend"):
            read(f"volume,A\n{wrong}", name="x_bold.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n1,2\n", "its first line is empty"),
        ("A,B\n", "is empty: 0 volumes"),
        ("A,A\n1,2\n3,4\n", "names a column twice: A"),
        ("A,B\n0,1,2\n1,3,4\n", "line 2 has 3 values, expected 2 .* Name every column"),
        ("A,B\n0,1\n1\n", "line 3 has 1 value, expected 2"),
        ("A,B\n0,1\n\n1,5\n", "line 3 is empty, but rows follow"),
        ("time,A\n0.0,1\n2.1,5\n4.2,3\n6.3,2\n", "time rises in equal steps"),
        ("A,index\n1,0\n5,1\n2,2\n7,3\n", "index rises in equal steps"),
        ("A,B\n0,1\n5,x\n", "columns that are not numbers: B .line 3: 'x'"),
        ("A,B\n0,1\n5,1_000\n", "B .line 3: '1_000'"),
        ("A,B\n0,1\n5,٣\n", "B .line 3: '٣'"),
        ("A,B\n0,1\n5,inf\n", "1 missing or non-finite value, the first in volume 1"),
        ("A,B\n0,1\n5,1e39\n", "1 missing or non-finite value, the first in volume 1"),
        ("A;B\n0,5;1,5\n", "seems to be separated by semicolons"),
        ("A\x00,B\n0,1\n5,1\n", r"names a column 'A\\x00'"),
        (b"A,B\n0,1\n\xff,1\n", "no UTF-8 text"),
        ("A,B\n0,1\n".encode("utf-16"), "no UTF-8 text"),
        ('A,B\n"0,1\n5,1\n', "is not a table: unexpected end of data"),
    ],
)  # fmt: skip
def test_tables_that_would_be_misread(read, content, message):
    with pytest.raises(ValueError, match=f"x_bold.csv.*{message}"):
        read(content, name="x_bold.csv")


def test_decimal_commas_are_told(read, table):
    text = table.to_csv(sep="\t", index=False, decimal=",")
    with pytest.raises(TableError, match="LH_Vis_1 .line 2: '0,1257.*with points"):
        read(text)


def test_an_unknown_region_is_told_with_its_likes(read, table):
    with pytest.raises(UnknownRegionError, match="no region 'LH_Vis' .near: LH_Vis_1"):
        read(table, ["LH_Vis"])


def test_rows_of_pickles_are_volumes(tmp_path, table):
    file = tmp_path / "x.pkl"
    table.to_pickle(file)
    found = read_table(file)
    np.testing.assert_array_equal(found, table)
    assert found.attrs["n_volumes"] == 40
    kept = table.drop(index=[0, 1])
    kept.to_pickle(file)
    with pytest.raises(TableError, match="rows called 2, 3, 4, ...; expected 0, 1, 2"):
        read_table(file)
    kept.rename_axis("volume").to_pickle(file)
    assert read_table(file).index.tolist() == list(range(2, 40))
    kept.iloc[::-1].rename_axis("volume").to_pickle(file)
    with pytest.raises(TableError, match="'volume' must hold integers that ascend"):
        read_table(file)


def plain_parse(content):
    """Read a table as simply as can be; None where it is not as simple as that."""
    try:
        text = content.decode("utf-8-sig")
        if any(mark in text for mark in '"\r'):
            return None
        rows = [line.split("\t") for line in text.rstrip("\n").split("\n")]
        cells = [[c.strip() for c in row] for row in rows]
        return cells[0], np.array([[float(c or "nan") for c in row] for row in cells[1:]])
    except ValueError:
        return None


def fuzz(file, content, seeds):
    """Damage a table and read it; count what came of it."""
    counts = {"refused": 0, "read": 0, "not judged": 0}
    for seed in seeds:
        file.write_bytes(damaged(content, seed))
        try:
            found = read_table(file)
        except ValueError as error:
            assert file.name in str(error), f"seed {seed}: {error}"
            counts["refused"] += 1
            continue
        expected = plain_parse(file.read_bytes())
        if expected is None:
            counts["not judged"] += 1
            continue
        names, values = expected
        kept = [i for i, name in enumerate(names) if name]
        assert found.shape == (len(values), len(kept)), f"seed {seed}"
        np.testing.assert_array_equal(found, values[:, kept], f"seed {seed}")
        counts["read"] += 1
    return counts


def test_damaged_tables_are_refused_or_read_as_they_are(tmp_path, table):
    content = table.to_csv(sep="\t", index=False).encode()
    counts = fuzz(tmp_path / "x_bold.tsv", content, range(200))
    assert counts["refused"] > 80 and counts["read"] > 20
