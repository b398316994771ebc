"""Tables of numbers from pickle files, without running any code in the files.

A pickle is a program, and a list of allowed functions does not make it safe: with
no more than ``numpy.ndarray``, ``numpy.dtype`` and their states, which every table
needs, a file can make NumPy use its bytes as addresses. So nothing is imported or
called here. The operations are read with :mod:`pickletools`, their results are kept as
plain data, and the numbers and names of a DataFrame are taken from these.
"""

from __future__ import annotations

import logging
import math
import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..bold.tables import TableError

__all__ = ["TablePickleError", "UnsafePickleError", "read_frame_pickle"]

logger = logging.getLogger(__name__)

# What a DataFrame of numbers is made of, and the name used below for it. pandas 3
# pickles public classes as pandas.X and labels as its own type of strings, NumPy 2 renamed
# numpy.core to numpy._core.
_NAMES = {
    ("pandas", "DataFrame"): "DataFrame",
    ("pandas.core.frame", "DataFrame"): "DataFrame",
    ("pandas.core.internals.managers", "BlockManager"): "BlockManager",
    ("pandas._libs.internals", "_unpickle_block"): "block",
    ("pandas.core.indexes.base", "_new_Index"): "new_index",
    ("pandas", "Index"): "Index",
    ("pandas.core.indexes.base", "Index"): "Index",
    ("pandas", "RangeIndex"): "RangeIndex",
    ("pandas.core.indexes.range", "RangeIndex"): "RangeIndex",
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): "extension array",
    ("pandas.arrays", "StringArray"): "StringArray",
    ("pandas.core.arrays.string_", "StringArrayNumpySemantics"): "StringArray",
    ("pandas", "StringDtype"): "StringDtype",
    ("pandas.core.arrays.string_", "StringDtype"): "StringDtype",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy.core.numeric", "_frombuffer"): "frombuffer",
    ("numpy._core.numeric", "_frombuffer"): "frombuffer",
    ("builtins", "slice"): "slice",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_NUMBERS = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}
# A table of 575 volumes x 66 regions takes 150 kB and 600 operations.
_MOST_BYTES = 2**28
_MOST_OPERATIONS = 100_000
_TRUSTED = (
    "If you trust the file, read it with pandas.read_pickle and write a DataFrame of "
    "numbers again with its method to_pickle."
)


class TablePickleError(TableError):
    """A pickle file that is damaged, or is not a table of numbers."""


class UnsafePickleError(TablePickleError):
    """A pickle file that asks for more than a table of numbers needs."""


def read_frame_pickle(path: str | Path) -> pd.DataFrame:
    """Read a pickled DataFrame of numbers, without running anything in the file.

    Reads what pandas from 1.4 on writes with pickle protocols 4 and 5 (the default),
    not compressed. Values, columns and index are those that
    :func:`pandas.read_pickle` gives, numbers in the byte order of this machine;
    ``attrs`` are left out, which is logged.

    Parameters
    ----------
    path : str | Path
        The file, of at most 256 MiB.

    Returns
    -------
    pandas.DataFrame, shape (n_rows, n_columns)
        At least one row and one column; booleans, integers or floating-point
        numbers; the names of the columns are strings.

    Raises
    ------
    UnsafePickleError
        If the file names a function or class, or uses an operation, that a table of
        numbers does not need, or more operations than a large table. The message
        says which.
    TablePickleError
        If it is no pickle, damaged, or holds anything but such a table.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> from braindecode_bolt.datasets import read_frame_pickle
    >>> table = read_frame_pickle("sub01-scan01_difumo64_roi.pkl")  # doctest: +SKIP
    """
    path = Path(path)
    n_bytes = path.stat().st_size
    if n_bytes > _MOST_BYTES:
        raise TablePickleError(
            f"{path.name} has {n_bytes} bytes; expected a pickled DataFrame of region "
            f"series, of at most {_MOST_BYTES}."
        )
    try:
        return _frame(_walk(path.read_bytes()), n_bytes)
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f"{path.name} {error}. Expected a pickled DataFrame of numbers; nothing in "
            f"the file was run. {_TRUSTED}"
        ) from None
    except TablePickleError as error:
        raise TablePickleError(
            f"{path.name} {error}. Expected a pickled DataFrame of numbers with named "
            f"columns. {_TRUSTED}"
        ) from None
    except (ValueError, IndexError) as error:
        # What pickletools and an empty stack or memo raise.
        raise TablePickleError(
            f"{path.name} ({n_bytes} bytes) is damaged or no pickle file: "
            f"{str(error)[:200]}. Expected a pickled DataFrame of numbers; copy or "
            "download it again."
        ) from error


@dataclass(slots=True, eq=False)
class _Name:
    """A function or class that a pickle names."""

    kind: str


@dataclass(slots=True, eq=False)
class _Made:
    """What a function or class would return, and the state it would be given."""

    kind: str
    args: tuple
    state: Any = None


def _walk(data: bytes) -> Any:
    """Follow the operations of a pickle and give what it would make, as plain data."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: list[Any] = []

    def take(n: int | None = None) -> list[Any]:
        """Remove the last `n` items from the stack, or all since the last mark."""
        start = marks.pop() if n is None else len(stack) - n
        if not 0 <= start <= len(stack):
            raise IndexError("an operation lacks its operands")
        items = stack[start:]
        del stack[start:]
        return items

    end = len(data)
    for number, (opcode, arg, start) in enumerate(pickletools.genops(data)):
        if number == _MOST_OPERATIONS:
            raise UnsafePickleError(f"uses more than {number} pickle operations")
        match opcode.name:
            case "PROTO":
                pass
            case "FRAME":
                end = start + 9 + arg
            case name if name in _VALUES:
                stack.append(arg)
            case name if name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            case name if name in _EMPTY:
                stack.append(_EMPTY[name]())
            case "MEMOIZE":
                memo.append(stack[-1])
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[arg])
            case "MARK":
                marks.append(len(stack))
            case "TUPLE1" | "TUPLE2" | "TUPLE3" | "TUPLE" as name:
                stack.append(tuple(take(int(name[5:]) if name[5:] else None)))
            case "APPEND" | "APPENDS" as name:
                items = take(1 if name == "APPEND" else None)
                _extend(stack[-1], items)
            case "SETITEM" | "SETITEMS" as name:
                items = take(2 if name == "SETITEM" else None)
                _set_items(stack[-1], items[::2], items[1::2])
            case "GLOBAL":
                stack.append(_name(*arg.split(" ", 1)))
            case "STACK_GLOBAL":
                stack.append(_name(*take(2)))
            case "REDUCE" | "NEWOBJ":
                stack.append(_make(*take(2)))
            case "BUILD":
                (state,) = take(1)
                _set_state(stack[-1], state)
            case "STOP":
                # Bytes that were lost or added do not fit the length of the frame.
                if not start + 1 == end == len(data):
                    raise ValueError(f"it ends at byte {start + 1}, expected {end}")
                return stack.pop()
            case name:
                raise UnsafePickleError(f"uses the pickle operation {name}")
    raise ValueError("it does not end")  # pickletools says so before


def _extend(target: Any, items: list) -> None:
    if type(target) is not list:
        raise UnsafePickleError(f"appends to {_describe(target)}")
    target.extend(items)


def _set_items(target: Any, keys: list, values: list) -> None:
    # No other key is hashed: the hash of nested tuples can take forever.
    if type(target) is not dict or not all(type(key) is str for key in keys):
        raise UnsafePickleError("sets items other than the named ones of a dict")
    target.update(zip(keys, values, strict=True))


def _name(module: Any, name: Any = "") -> _Name:
    if type(module) is not str or type(name) is not str:
        raise UnsafePickleError(f"takes {_describe(name)} for a name")
    if (module, name) not in _NAMES:
        raise UnsafePickleError(f"asks for {module[:80]}.{name[:80]}")
    return _Name(_NAMES[module, name])


def _make(function: Any, args: Any) -> _Made:
    if type(function) is not _Name or type(args) is not tuple:
        raise UnsafePickleError(f"calls {_describe(function)}")
    return _Made(function.kind, args)


def _set_state(target: Any, state: Any) -> None:
    if type(target) is not _Made or target.state is not None:
        raise UnsafePickleError(f"sets the state of {_describe(target)}")
    target.state = state


def _describe(thing: Any) -> str:
    return thing.kind if isinstance(thing, _Made | _Name) else f"a {type(thing).__name__}"


def _frame(made: Any, n_bytes: int) -> pd.DataFrame:
    match made:
        case _Made(kind="DataFrame", args=(), state={"_mgr": manager} as state):
            pass
        case _:
            raise TablePickleError(f"holds {_describe(made)}")
    match manager:
        case _Made(kind="BlockManager", args=(tuple(blocks), [_, _] as axes), state=None):
            columns, index = map(_index, axes)
        case _:
            raise TablePickleError(f"keeps its columns in {_describe(manager)}")
    if columns.empty or index.empty:
        raise TablePickleError(f"holds an empty table, {len(index)} x {len(columns)}")
    if columns.inferred_type != "string":
        raise TablePickleError(f"has column names of the type {columns.inferred_type}")
    series: dict[int, np.ndarray] = {}
    size = n_series = 0
    for block in blocks:
        match block:
            case _Made(kind="block", args=(values, placement, _)):
                array, positions = _array(values), _positions(placement, len(columns))
            case _:
                raise TablePickleError("keeps its columns in blocks of an unknown kind")
        size += array.nbytes
        # Each array may be named many times over, which costs no bytes in the file.
        if size > n_bytes:
            raise UnsafePickleError(
                f"of {n_bytes} bytes holds more numbers than fit into it"
            )
        if array.shape != (len(positions), len(index)) or array.dtype.kind == "O":
            raise TablePickleError(
                f"has a block of the shape {array.shape} and type {array.dtype} for "
                f"{len(positions)} columns of {len(index)} numbers"
            )
        series |= zip(positions, array, strict=True)
        n_series += len(positions)
    if n_series != len(columns) or sorted(series) != list(range(len(columns))):
        raise TablePickleError(
            f"does not have one series for each of {len(columns)} columns"
        )
    if state.get("attrs"):
        logger.info("the attrs of a pickled table are left out")
    # By position: two columns may have one name.
    by_position = dict(sorted(series.items()))
    return pd.DataFrame(by_position, index=index).set_axis(columns, axis="columns")


def _positions(placement: Any, n_columns: int) -> list[int] | range:
    """Find which columns a block holds."""
    match placement:
        case _Made(kind="slice", args=(int(start), int(stop), int(step)), state=None):
            if 0 <= start <= stop < 2**31 and step > 0:
                return range(start, stop, step)
        case _Made(kind="reconstruct" | "frombuffer"):
            array = _array(placement)
            if array.ndim == 1 and array.dtype.kind == "i" and len(array) <= n_columns:
                return array.tolist()
    raise TablePickleError(f"places columns by {_describe(placement)}")


def _index(made: Any) -> pd.Index:
    match made:
        case _Made(kind="new_index", args=(_Name(kind=kind), {"name": name} as content)):
            pass
        case _:
            raise TablePickleError(f"has {_describe(made)} as index")
    if name is not None and type(name) not in (str, int, float):
        raise TablePickleError(f"has {_describe(name)} as the name of an index")
    match kind, content:
        case "RangeIndex", {"start": int(start), "stop": int(stop), "step": int(step)}:
            if step and max(map(abs, (start, stop, step))) < 2**61:
                return pd.RangeIndex(int(start), int(stop), int(step), name=name)
        case "Index", {"data": _Made(kind="extension array") as data}:
            return pd.Index(_strings(data), dtype="str", name=name)
        case "Index", {"data": data}:
            array = _array(data)
            # pandas has no index of half precision.
            if array.ndim == 1 and array.dtype != np.float16:
                return pd.Index(array, dtype=array.dtype, name=name)
    raise TablePickleError("has an index of an unknown kind")


def _strings(made: _Made) -> np.ndarray:
    """Read the labels out of pandas 3's default type of strings."""
    match made:
        case _Made(
            args=(_Name(kind="StringArray"), int(), None),
            state=(
                _Made(kind="StringDtype", args=("python", float(missing)), state=None),
                data,
                *_,
            ),
        ):
            array = _array(data)
            if math.isnan(missing) and array.ndim == 1 and array.dtype.kind == "O":
                return array
    raise TablePickleError("has labels of an unknown type")


def _array(made: Any) -> np.ndarray:
    match made:
        case _Made(
            kind="frombuffer",
            args=(content, dtype, tuple(shape), "C" | "F" as order),
            state=None,
        ):
            dtype = _dtype(dtype)
        case _Made(
            kind="reconstruct",
            args=(_Name(kind="ndarray"), (0,), b"b"),
            state=(1, tuple(shape), dtype, bool(fortran), content),
        ):
            dtype, order = _dtype(dtype), "F" if fortran else "C"
        case _:
            raise TablePickleError(f"has {_describe(made)} in place of an array of numbers")
    if type(content) is list:
        labels = all(type(label) is str for label in content)
        if dtype.hasobject and shape == (len(content),) and labels:
            return np.array(content, dtype=object)
        raise TablePickleError("holds objects other than numbers and column names")
    if (
        type(content) not in (bytes, bytearray)
        or dtype.hasobject
        or len(shape) > 2
        or not all(type(length) is int and length >= 0 for length in shape)
        or math.prod(shape) * dtype.itemsize != len(content)
    ):
        raise TablePickleError(f"has an array of {dtype} that does not fit its shape")
    array = np.frombuffer(content, dtype).reshape(shape, order=order)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _dtype(made: Any) -> np.dtype:
    match made:
        case _Made(
            kind="dtype",
            args=(str(code), _, _),
            state=(int(), "<" | ">" | "|" | "=" as order, None, None, None, -1, -1, *_),
        ):
            if code in ("O8", "O4"):
                return np.dtype(object)
            if code in _NUMBERS:
                return np.dtype(code if order == "|" else order + code)
    raise TablePickleError("has an array of a type that is not a number")
