import copyreg
import io
import os
import pickle
import pickletools
import struct
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from braindecode_bolt.datasets._pickles import (
    TablePickleError,
    UnsafePickleError,
    read_frame_pickle,
)

from ..damage import damaged

# Lies beside the repository on the development machines.
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "neurobolt_difumo64"
#: Functions and classes that the published files name, in this order.
PUBLISHED_NAMES = [
    "pandas.core.frame.DataFrame",
    "pandas.core.internals.managers.BlockManager",
    "pandas._libs.internals._unpickle_block",
    "numpy.core.numeric._frombuffer",
    "numpy.dtype",
    "builtins.slice",
    "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.base.Index",
    "numpy.core.multiarray._reconstruct",
    "numpy.ndarray",
    "pandas.core.indexes.range.RangeIndex",
]


def read(data, tmp_path):
    file = tmp_path / "table.pkl"
    file.write_bytes(data)
    return read_frame_pickle(file)


def by_pandas(data):
    with warnings.catch_warnings():
        # The published files have the names of NumPy 1.
        warnings.simplefilter("ignore", DeprecationWarning)
        return pd.read_pickle(io.BytesIO(data))


def named(data):
    """List the functions and classes that a pickle names."""

    class Listing(pickle.Unpickler):
        def find_class(self, module, name):
            names.append(f"{module}.{name}")
            return super().find_class(module, name)

    names = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        Listing(io.BytesIO(data)).load()
    return names


def frames():
    rng = np.random.default_rng(0)
    # As nilearn makes it: regions of one array, then two added one by one.
    published = pd.DataFrame(rng.standard_normal((9, 3)).astype("float32"))
    published.columns = pd.Index(["Thalamus", "Heschl’s gyrus", "B"], dtype=object)
    published.columns.name = "Difumo_names"
    for name in ("global signal clean", "global signal raw"):
        published[name] = rng.standard_normal(9).astype("float32")
    mixed = pd.DataFrame(
        {
            "i2": np.arange(4, dtype="i2"),
            "f8": [0.5, np.nan, np.inf, -0.0],
            "b": [True, False, True, True],
            "f8 again": np.arange(4) / 3,
            "u1": np.arange(4, dtype="u1"),
            "f2": np.arange(4, dtype="f2"),
        }
    )
    yield pytest.param(published, id="published")
    yield pytest.param(mixed, id="dtypes")
    unordered = {"a": [1], "b": [1.5], "c": [2.5], "d": [2], "e": [3]}
    yield pytest.param(pd.DataFrame(unordered), id="unordered blocks")
    yield pytest.param(mixed.iloc[:, ::-1], id="reversed")
    yield pytest.param(mixed.iloc[::2, [5, 0, 3]], id="selected")
    yield pytest.param(mixed.set_index(pd.Index([2, 5, 7, 8], name="volume")), id="index")
    yield pytest.param(mixed.set_index(pd.Index(list("abcd"))), id="labels")
    yield pytest.param(mixed.rename(columns={"b": "i2"}), id="equal names")
    yield pytest.param(pd.DataFrame({"one": [1.0]}), id="one cell")
    columnwise = pd.DataFrame(rng.standard_normal((3, 2)), columns=["a", "b"], copy=False)
    yield pytest.param(columnwise, id="column by column")
    many = rng.standard_normal((5, 400))
    yield pytest.param(pd.DataFrame(many, columns=[f"r{i}" for i in range(400)]), id="wide")


@pytest.mark.parametrize("strings", ["object", "str"])
@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("frame", list(frames()))
def test_tables_come_back_as_pandas_reads_them(tmp_path, frame, protocol, strings):
    frame = frame.set_axis(frame.columns.astype(strings), axis="columns")
    data = pickle.dumps(frame, protocol)
    found = read(data, tmp_path)
    pd.testing.assert_frame_equal(found, by_pandas(data), check_exact=True)
    pd.testing.assert_frame_equal(found, frame, check_exact=True)
    assert found.columns.dtype == frame.columns.dtype
    assert type(found.index) is type(frame.index)
    found.iloc[0, 0] = 1  # not read-only


def test_numbers_come_in_the_byte_order_of_this_machine(tmp_path):
    frame = pd.DataFrame({"a": np.array([1.5, 2.5], ">f4")})
    for protocol in (4, 5):
        found = read(pickle.dumps(frame, protocol), tmp_path)
        assert found["a"].tolist() == [1.5, 2.5]
        assert found["a"].dtype.isnative


@pytest.fixture
def like_published(monkeypatch):
    """Pickle a table under the names that pandas 1 and 2 and NumPy 1 give."""

    def dump(frame):
        with monkeypatch.context() as patched:
            patched.setattr(pd.DataFrame, "__module__", "pandas.core.frame")
            patched.setattr(pd.Index, "__module__", "pandas.core.indexes.base")
            patched.setattr(pd.RangeIndex, "__module__", "pandas.core.indexes.range")
            data = pickle.dumps(frame, 5)
        return renamed(data, {"numpy._core.": "numpy.core."})

    return dump


def renamed(data, changes):
    """Change strings in a pickle; frames, which are optional, are taken out."""
    ops = list(pickletools.genops(data))
    ends = [position for *_, position in ops[1:]] + [len(data)]
    pieces = []
    for (op, arg, start), end in zip(ops, ends, strict=True):
        piece = data[start:end]
        if op.name == "SHORT_BINUNICODE":
            for old, new in changes.items():
                arg = arg.replace(old, new)
            piece = b"\x8c" + bytes([len(arg.encode())]) + arg.encode()
        pieces.append(b"" if op.name == "FRAME" else piece)
    return b"".join(pieces)


def test_the_published_structure(tmp_path, like_published):
    frame = next(frames()).values[0]
    data = like_published(frame)
    assert named(data) == PUBLISHED_NAMES
    found = read(data, tmp_path)
    pd.testing.assert_frame_equal(found, by_pandas(data), check_exact=True)
    pd.testing.assert_frame_equal(found, frame, check_exact=True)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published tables are not here")
def test_the_published_files():
    files = sorted(PUBLISHED.glob("*.pkl"))
    assert len(files) == 10
    for file in files:
        found = read_frame_pickle(file)
        expected = by_pandas(file.read_bytes())
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        assert found.columns.equals(expected.columns)
        assert found.shape == (575, 66)
        assert (found.dtypes == np.float32).all()
    assert named(files[0].read_bytes()) == PUBLISHED_NAMES


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_older_protocols_are_refused_with_a_way_out(tmp_path, protocol):
    message = "(uses|asks for) .*pandas.read_pickle.*to_pickle"
    with pytest.raises(UnsafePickleError, match=message):
        read(pickle.dumps(next(frames()).values[0], protocol), tmp_path)


def test_attributes_are_left_out_and_logged(tmp_path, caplog):
    frame = pd.DataFrame({"a": [1.0]})
    frame.attrs["subject"] = "01"
    caplog.set_level("INFO")
    assert read(pickle.dumps(frame), tmp_path).attrs == {}
    assert "attrs of a pickled table are left out" in caplog.text


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def text(string):
    return b"X" + struct.pack("<I", len(string.encode())) + string.encode()


def table(cell=1.0, label="a", **attrs):
    frame = pd.DataFrame([[cell]], columns=pd.Index([label], dtype=object))
    frame.attrs |= attrs
    return frame


#: What to pickle so that reading it makes the folder `path`.
ATTACKS = {
    "mkdir": lambda path: Calls(os.mkdir, path),
    "os.system": lambda path: Calls(os.system, f'mkdir "{path}"'),
    "eval": lambda path: Calls(eval, f"__import__('os').mkdir({path!r})"),
    "exec": lambda path: Calls(exec, f"__import__('os').mkdir({path!r})"),
    "getattr": lambda path: Calls(map, Calls(getattr, Path(path), "mkdir"), [0o777]),
    "in a list": lambda path: [1, {"a": (Calls(os.mkdir, path),)}],
    "in an array": lambda path: np.array([Calls(os.mkdir, path), 1], dtype=object),
    "in a cell": lambda path: table(cell=Calls(os.mkdir, path)),
    "as a label": lambda path: table(label=Calls(os.mkdir, path)),
    "in attrs": lambda path: table(subject=Calls(os.mkdir, path)),
    "as an argument": lambda path: Calls(np.dtype, Calls(os.mkdir, path)),
}
#: The same in opcodes: text of the path -> pickle.
RAW_ATTACKS = {
    "text": lambda path: b"cos\nmkdir\n" + path + b"\x85R.",
    "dotted": lambda path: b"\x80\x04" + text("pandas") + text("io.common.os.mkdir")
    + b"\x93" + path + b"\x85R.",
    "INST": lambda path: b"(" + path + b"ios\nmkdir\n.",
    "OBJ": lambda path: b"(cos\nmkdir\n" + path + b"o.",
    "EXT1": lambda path: b"\x80\x02\x82\xf0" + path + b"\x85R.",
    "EXT2": lambda path: b"\x80\x02\x83\xf0\x00" + path + b"\x85R.",
    "EXT4": lambda path: b"\x80\x02\x84\xf0\x00\x00\x00" + path + b"\x85R.",
    "before": lambda path: b"\x80\x04cos\nmkdir\n" + path + b"\x85R0"
    + pickle.dumps(table(), 4),
    # The state of a class sets its attributes.
    "BUILD": lambda path: b"\x80\x04cpandas\nIndex\nN}" + text("spoilt")
    + b"cos\nmkdir\n" + path + b"\x85Rs\x86b.",
    "_reconstructor": lambda path: b"ccopy_reg\n_reconstructor\n(cpandas\nIndex\n"
    b"c__builtin__\nobject\ncos\nmkdir\n" + path + b"\x85RtR.",
}  # fmt: skip


def refuse(data, tmp_path, folder, expected=UnsafePickleError):
    # That the attack works: the test could not fail otherwise.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            list(pickle.loads(data))
        except Exception:
            pass
    assert folder.is_dir()
    folder.rmdir()
    with pytest.raises(expected) as caught:
        read(data, tmp_path)
    assert not folder.exists()
    return str(caught.value)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_a_file_is_run(tmp_path, attack, protocol):
    folder = tmp_path / "made"
    data = pickle.dumps(ATTACKS[attack](str(folder)), protocol)
    message = refuse(data, tmp_path, folder)
    assert message.startswith(
        ("table.pkl asks for ", "table.pkl uses the pickle operation")
    )
    assert "nothing in the file was run" in message


@pytest.mark.parametrize("attack", RAW_ATTACKS)
def test_no_opcode_runs_anything(tmp_path, attack):
    folder = tmp_path / "made"
    copyreg.add_extension("os", "mkdir", 0xF0)
    try:
        refuse(RAW_ATTACKS[attack](text(str(folder))), tmp_path, folder)
    finally:
        copyreg.remove_extension("os", "mkdir", 0xF0)
        if hasattr(pd.Index, "spoilt"):
            del pd.Index.spoilt


def test_the_name_that_was_refused_is_told(tmp_path):
    with pytest.raises(UnsafePickleError, match=r"asks for builtins\.eval\."):
        read(pickle.dumps(Calls(eval, "1"), 4), tmp_path)
    with pytest.raises(UnsafePickleError, match=r"asks for pandas\.Series\."):
        read(pickle.dumps(pd.Series([1.0]), 4), tmp_path)
    with pytest.raises(UnsafePickleError, match="uses the pickle operation BINPERSID"):
        read(b"\x80\x04K\x01Q.", tmp_path)
    with pytest.raises(UnsafePickleError, match="uses the pickle operation NEXT_BUFFER"):
        read(b"\x80\x05\x97.", tmp_path)


def named_as(module, name):
    return text(module) + text(name) + b"\x93"


def array_state(dtype, state, content):
    """Give the opcodes of an array of one element, from NumPy's own functions."""
    return (
        named_as("numpy.core.multiarray", "_reconstruct") + named_as("numpy", "ndarray")
        + b"K\x00\x85C\x01b\x87R(K\x01K\x01\x85" + named_as("numpy", "dtype")
        + text(dtype) + b"\x89\x88\x87R(K\x03" + text("|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff" + state + b"tb\x89" + content + b"tb"
    )  # fmt: skip


def as_label(array):
    """Give a table whose only label is in this array."""
    return (
        b"\x80\x04" + named_as("pandas", "DataFrame") + b")\x81}(" + text("_mgr")
        + named_as("pandas.core.internals.managers", "BlockManager") + b")]("
        + named_as("pandas.core.indexes.base", "_new_Index") + named_as("pandas", "Index")
        + b"}(" + text("data") + array + text("name") + b"Nu\x86RK\x00e\x86Rub."
    )  # fmt: skip


def test_bytes_are_never_taken_for_addresses(tmp_path):
    """A type of objects with its flags put out makes NumPy follow any pointer."""
    pointers = array_state("O8", b"K\x00", b"C\x08AAAAAAAA")
    with pytest.raises(TablePickleError, match="does not fit its shape"):
        read(as_label(pointers), tmp_path)
    short = array_state("f8", b"K\x00", b"C\x04AAAA")
    with pytest.raises(TablePickleError, match="does not fit its shape"):
        read(as_label(short), tmp_path)
    # The same with labels in place of the address gets further.
    labels = array_state("O8", b"K\x3f", b"](" + text("a") + b"e")
    with pytest.raises(TablePickleError, match="has a int as index"):
        read(as_label(labels), tmp_path)


#: A tuple of two tuples, which are one, and so on: 2**60 elements.
PAIRS = b"K\x01" + b"".join(b"\x94h%c\x86" % i for i in range(60))


def deep(opening, closing, levels):
    return b"\x80\x04" + opening + closing * levels + b"."


@pytest.mark.parametrize(
    "data",
    [
        # A memo of 2**32 entries, a string of 2**62 bytes, an int of 255 bytes as shape.
        b"\x80\x04N" + b"r\xff\xff\xff\xff.",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
        b"\x80\x04\x8a\xff" + b"\x7f" * 255 + b".",
        # Nested 100,000 times; a tuple that takes 2**60 steps to hash, as a key.
        deep(b"K\x01", b"\x85", 10**5),
        deep(b"]", b"\x85", 10**5),
        b"\x80\x04}" + PAIRS + b"K\x01s.",
        b"\x80\x04" + PAIRS + b"N\x93.",
        # A list in itself.
        b"\x80\x04]\x94h\x00a.",
    ],
    ids=["memo", "string", "int", "tuples", "list", "key", "name", "cycle"],
)  # fmt: skip
def test_small_files_take_little(tmp_path, data):
    with pytest.raises(TablePickleError):
        read(data, tmp_path)


def dump_with(frame, **parts):
    """Pickle a table in which objects are replaced by others, by their class."""

    class Pickler(pickle.Pickler):
        def reducer_override(self, thing):
            other = parts.get(type(thing).__name__)
            return NotImplemented if other is None else other(thing)

    target = io.BytesIO()
    Pickler(target, 4).dump(frame)
    return target.getvalue()


def blocks_of(frame, *blocks):
    """Give a manager of blocks (values, placement) for a table."""
    unpickle_block = frame._mgr.blocks[0].__reduce__()[0]
    made = tuple(Calls(unpickle_block, *block, 2) for block in blocks)
    return lambda manager: (type(manager), (made, list(manager.axes)))


def test_an_array_named_many_times_is_not_copied(tmp_path):
    """1,000 columns of one array of 1,000 numbers, in a file of 60 kB."""
    columns = pd.Index([f"c{i}" for i in range(1000)], dtype=object)
    frame = pd.DataFrame(np.zeros((1000, 1000)), columns=columns)
    row = np.zeros((1, 1000))
    blocks = ((row, slice(i, i + 1, 1)) for i in range(1000))
    data = dump_with(frame, BlockManager=blocks_of(frame, *blocks))
    assert len(data) < 100_000
    pd.testing.assert_frame_equal(by_pandas(data), frame)
    with pytest.raises(UnsafePickleError, match="more numbers than fit into it"):
        read(data, tmp_path)


ROW = np.ones((1, 2))


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([(ROW, slice(0, 2, 1))], r"block of the shape \(1, 2\) and type float64 for 2"),
        ([(ROW, slice(0, 2**40, 1))], "places columns by slice"),
        ([(ROW, slice(0, 1, 1))], "one series for each of 2 columns"),
        ([(ROW, slice(0, 1, 1))] * 2, "one series for each of 2 columns"),
        ([(ROW, slice(0, 1, 1)), (ROW, slice(2, 3, 1))], "one series for each of 2 col"),
        ([(ROW, slice(0, 1, 1)), (ROW, np.array([-1]))], "one series for each of 2 col"),
        ([(ROW, "all")], "places columns by a str"),
        ([(ROW, np.array([0.0]))], "places columns by reconstruct"),
        ([("numbers", slice(0, 1, 1))], "has a str in place of an array"),
        ([(np.ones((1, 1, 2)), slice(0, 1, 1))], "does not fit its shape"),
        ([(ROW,)], "blocks of an unknown kind"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit(tmp_path, blocks, expected):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.raises(TablePickleError, match=expected):
        read(dump_with(frame, BlockManager=blocks_of(frame, *blocks)), tmp_path)


def test_parts_of_another_kind(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    new_index = frame.index.__reduce__()[0]
    with pytest.raises(TablePickleError, match="keeps its columns in slice"):
        read(dump_with(frame, BlockManager=lambda _: (slice, (0, 1, 1))), tmp_path)
    for part in (
        {"start": 0, "stop": 2, "step": 0},
        {"start": 0, "stop": 2**70, "step": 1},
    ):
        state = (new_index, (pd.RangeIndex, {**part, "name": None}))
        with pytest.raises(TablePickleError, match="has an index of an unknown kind"):
            read(dump_with(frame, RangeIndex=lambda _, state=state: state), tmp_path)
    with pytest.raises(TablePickleError, match="has a tuple as the name of an index"):
        read(pickle.dumps(frame.rename_axis([("a", "b")])), tmp_path)
    for index in (pd.MultiIndex.from_tuples([(1, 2), (3, 4)]), pd.to_datetime([1, 2])):
        with pytest.raises(UnsafePickleError, match="asks for pandas"):
            read(pickle.dumps(frame.set_index(index)), tmp_path)
    missing = frame.set_axis(frame.columns.astype("string"), axis=1)
    with pytest.raises(TablePickleError, match="asks for pandas.*NA|labels of an unknown"):
        read(pickle.dumps(missing), tmp_path)
    with pytest.raises(TablePickleError, match="has labels of an unknown type"):
        strings = frame.set_axis(
            frame.columns.astype(pd.StringDtype("python", np.nan)), axis=1
        )
        pyarrow = (pd.StringDtype, ("pyarrow", np.nan))
        read(dump_with(strings, StringDtype=lambda _: pyarrow), tmp_path)
    twice = b"\x80\x04" + named_as("pandas", "DataFrame") + b")\x81}K\x01b}b."
    with pytest.raises(UnsafePickleError, match="sets the state of DataFrame"):
        read(twice.replace(b"K\x01b", text("a") + b"K\x01sb"), tmp_path)
    with pytest.raises(UnsafePickleError, match="appends to a tuple"):
        read(b"\x80\x04)K\x01a.", tmp_path)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        ({"a": 1.0}, "holds a dict"),
        ([1, 2], "holds a list"),
        (np.arange(3.0), "holds "),
        (pd.DataFrame(), "holds an empty table, 0 x 0"),
        (pd.DataFrame({"a": []}), "holds an empty table, 0 x 1"),
        (pd.DataFrame([[1.0]]), "column names of the type integer"),
        (pd.DataFrame({1.5: [1.0]}), "column names of the type floating"),
        (table(cell="x"), "has extension array in place of an array|holds objects"),
        (table().astype(object), "holds objects other than numbers and column names"),
        (pd.DataFrame({"a": [1j]}), "type that is not a number"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("protocol", [4, 5])
def test_what_is_no_table_of_numbers(tmp_path, thing, expected, protocol):
    with pytest.raises(TablePickleError, match=expected):
        read(pickle.dumps(thing, protocol), tmp_path)


@pytest.mark.parametrize(
    "data",
    [b"", b".", b"\x80\x04.", b"a\tb\n1\t2\n", b"\x1f\x8b\x08\0", b"PK\x03", b"\x80\x04e."],
)  # fmt: skip
def test_files_of_another_kind(tmp_path, data):
    with pytest.raises(TablePickleError, match="is damaged or no pickle file|asks|uses"):
        read(data, tmp_path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_frame_pickle(tmp_path / "nothing.pkl")


PICKLED = [pickle.dumps(next(frames()).values[0], protocol) for protocol in (4, 5)]


@pytest.mark.parametrize("data", PICKLED, ids=["protocol 4", "protocol 5"])
def test_every_truncated_file_is_refused(tmp_path, data):
    for length in range(0, len(data), 3):
        with pytest.raises(TablePickleError):
            read(data[:length], tmp_path)


def fuzz(file, frame, protocol, seeds):
    """Damage a pickle and read it; count what came of it."""
    content = pickle.dumps(frame, protocol)
    counts = {"refused": 0, "read": 0}
    for seed in seeds:
        data = damaged(content, seed)
        file.write_bytes(data)
        try:
            found = read_frame_pickle(file)
        except TablePickleError as error:
            assert file.name in str(error), f"seed {seed}: {error}"
            counts["refused"] += 1
            continue
        if len(data) != len(content):
            pd.testing.assert_frame_equal(found, frame, check_exact=True)
        # No checksum protects a number or a letter; more than these must not change.
        n_bytes = sum(a != b for a, b in zip(data, content, strict=False))
        assert found.shape == frame.shape, f"seed {seed}"
        n_values = (found.to_numpy() != frame.to_numpy()).sum()
        n_names = (found.columns != frame.columns).sum()
        n_rows = 0 if found.index.equals(frame.index) else 1
        assert n_values + n_names + n_rows <= n_bytes, f"seed {seed}"
        counts["read"] += 1
    return counts


# pickletools decodes a string before its operation can be refused.
@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@pytest.mark.filterwarnings("ignore:.*is an invalid escape sequence")
@pytest.mark.parametrize("protocol", [4, 5])
def test_damaged_files_are_refused_or_read_as_they_are(tmp_path, protocol):
    frame = next(frames()).values[0]
    counts = fuzz(tmp_path / "table.pkl", frame, protocol, range(200))
    assert counts["refused"] > 100 and counts["read"] > 10


def peak_of(data, tmp_path):
    """Bytes that reading takes beside the file itself."""
    file = tmp_path / "bomb.pkl"
    file.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(TablePickleError):
            read_frame_pickle(file)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def many_blocks(values, n):
    """A table of many columns, each of which is the same array of a megabyte."""
    columns = pd.Index([f"c{i}" for i in range(n)], dtype=object)
    frame = pd.DataFrame(np.zeros((1, n)), columns=columns)
    blocks = ((values, slice(i, i + 1, 1)) for i in range(n))
    return dump_with(frame, BlockManager=blocks_of(frame, *blocks))


BOMBS = {
    "brackets": lambda: b"\x80\x04" + b"]" * 1_000_000 + b".",
    "dicts": lambda: b"\x80\x04" + b"}" * 1_000_000 + b".",
    "marks": lambda: b"\x80\x04" + b"(" * 3_000_000 + b".",
    "memo": lambda: b"\x80\x04N" + b"\x94" * 3_000_000 + b".",
    # Each would be a new string of a megabyte.
    "encode": lambda: b"\x80\x04(" + text("a" * 2**20) + b"\x94"
    + (named_as("_codecs", "encode") + b"h\x00" + text("latin1") + b"\x86R") * 1000 + b"t.",
    # The numbers of one array in another byte order are a copy for each block.
    "byte order": lambda: many_blocks(np.zeros((1, 2**17), ">f8"), 200),
    "placements": lambda: dump_with(
        pd.DataFrame({"a": [1.0]}),
        BlockManager=blocks_of(
            pd.DataFrame({"a": [1.0]}), *[(ROW, np.zeros(2**20, np.int8))] * 50
        ),
    ),
    "range": lambda: dump_with(
        pd.DataFrame({"a": [1.0]}),
        RangeIndex=lambda index: (
            index.__reduce__()[0],
            (pd.RangeIndex, {"start": 0, "stop": 2**60, "step": 1, "name": None}),
        ),
    ),
}  # fmt: skip


def test_bytes_after_the_end_are_refused(tmp_path):
    data = pickle.dumps(table(), 4)
    for more in (data + b"N", data + data):
        with pytest.raises(TablePickleError, match="it ends at byte"):
            read(more, tmp_path)


@pytest.mark.parametrize("bomb", BOMBS)
def test_memory_is_bound_by_the_file(tmp_path, bomb):
    data = BOMBS[bomb]()
    assert peak_of(data, tmp_path) < 3 * len(data) + 50e6


def test_large_files_are_refused_before_they_are_read(tmp_path):
    file = tmp_path / "large.pkl"
    with file.open("wb") as sparse:
        sparse.truncate(2**28 + 1)
    with pytest.raises(TablePickleError, match="large.pkl has 268435457 bytes"):
        read_frame_pickle(file)
