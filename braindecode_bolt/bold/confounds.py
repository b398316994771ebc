"""Confounds: head motion and other signals that are regressed out of BOLD."""

from __future__ import annotations

import logging
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._series import is_constant
from .._text import counted, listed
from .tables import TableError, read_numbers

__all__ = ["load_confounds"]

logger = logging.getLogger(__name__)

#: The six motion parameters, as in the paper (appendix D).
_PUBLISHED = {"strategy": ("motion",), "motion": "basic"}
_IMAGE_ENDINGS = (".nii.gz", ".nii", ".func.gii")
_MOTION_ENDINGS = (".1d", ".par", ".txt")
# fMRIPrep before and after version 20.2.
_FMRIPREP_TABLE = re.compile(r"_desc-confounds_(timeseries|regressors)\.tsv$")
#: Columns of what AFNI's 3dvolreg writes with -1Dfile and with -dfile.
_N_MOTION, _N_DFILE = 6, 9


def load_confounds(
    source: str | os.PathLike | pd.DataFrame | ArrayLike | None,
    n_volumes: int | None = None,
    **fmriprep: object,
) -> pd.DataFrame | None:
    """Load confounds from fMRIPrep, a motion file or a table.

    Parameters
    ----------
    source : path | DataFrame | array-like, shape (n_volumes, n_confounds) | None
        One of

        - the preprocessed image of fMRIPrep (``..._desc-preproc_bold.nii.gz``)
          or its table of confounds (``..._desc-confounds_timeseries.tsv``):
          read by :func:`nilearn.interfaces.fmriprep.load_confounds`, six motion
          parameters by default;
        - a motion file of AFNI (``.1D``), FSL (``.par``) or SPM (``.txt``):
          numbers between white space, ``#`` before comments, a row per volume
          (or a column per volume: six rows are transposed). Of the nine columns of
          3dvolreg's ``-dfile`` the six of motion are taken;
        - a table: ``.tsv``, ``.csv``, DataFrame or array, all columns of it;
        - None, for no confounds.
    n_volumes : int | None
        Volumes of the image, if known, to check the number of rows. Default None.
    **fmriprep : object
        Arguments of nilearn's loader, such as ``strategy`` and ``motion``, for
        confounds of fMRIPrep.

    Returns
    -------
    DataFrame, shape (n_kept, n_confounds) | None
        Indexed by volume, counted from 0. Volumes that nilearn says to leave
        out (not in the steady state, scrubbed) have no row; they are counted
        and logged, and :func:`extract_regions` leaves them out in turn.
        Nothing else changes the number of rows. ``attrs["n_volumes"]`` holds
        the number of volumes before.

    Raises
    ------
    ValueError
        If the number of rows is not that of the volumes, values are not finite
        (but see Notes), there are too many columns, the file is not what its name
        says, or nilearn finds no confounds of an image of fMRIPrep.
    FileNotFoundError
        If there is no such table or motion file.
    TypeError
        If arguments of nilearn's loader are given, but the confounds are not of
        fMRIPrep.

    See Also
    --------
    extract_regions : Regresses them out.

    Notes
    -----
    NaN in the first row, as derivatives have them, are replaced by the second
    row, as nilearn does. NaN anywhere else are an error. Columns that are
    constant explain nothing and are left out. Both are logged.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.bold import load_confounds
    >>> motion = np.random.default_rng(0).standard_normal((100, 6))
    >>> load_confounds(motion, n_volumes=100).shape
    (100, 6)
    """
    what = "The table of confounds"
    if isinstance(source, str | os.PathLike):
        path = Path(source).expanduser()
        what = path.name
        image = _fmriprep_image(path)
        if image is not None:
            table = _read_fmriprep(image, _PUBLISHED | fmriprep)
            fmriprep = {}
        else:
            table = _read_file(path)
    elif source is not None:
        table = source if isinstance(source, pd.DataFrame) else pd.DataFrame(source)
        what = table.attrs.get("source", what)
    if fmriprep:
        raise TypeError(
            f"{', '.join(fmriprep)}: arguments of nilearn's loader for fMRIPrep, but the "
            "confounds are not of fMRIPrep. Leave them out, or give the preprocessed image."
        )
    if source is None:
        return None
    table = _checked(table, n_volumes, what)
    table.attrs["source"] = what  # For messages, when its rows are compared later.
    return table


def _fmriprep_image(path: Path) -> Path | None:
    """Name of the image that nilearn finds fMRIPrep's confounds by."""
    if path.name.endswith(_IMAGE_ENDINGS):
        return path
    # The image need not be there: only its name is used.
    name, found = _FMRIPREP_TABLE.subn("_desc-preproc_bold.nii.gz", path.name)
    if found and not path.exists():
        raise FileNotFoundError(f"There is no table of confounds {path}.")
    return path.with_name(name) if found else None


def _read_fmriprep(image: Path, arguments: dict[str, object]) -> pd.DataFrame:
    from nilearn.interfaces import fmriprep

    try:
        table, kept = fmriprep.load_confounds(str(image), **arguments)
    except MemoryError:
        raise  # The file may be intact.
    except Exception as error:  # It fails in many ways on a damaged table.
        raise ValueError(
            f"{image.name}: nilearn cannot load the confounds of fMRIPrep: {error} "
            "Expected an image ..._desc-preproc_bold.nii.gz with "
            "..._desc-confounds_timeseries.tsv and .json beside it; give other confounds "
            "as a table."
        ) from error
    if table is None or table.empty:
        raise ValueError(
            f"{image.name}: the strategy {arguments['strategy']!r} leaves nothing to "
            "regress out. Add another, or use no confounds."
        )
    n_volumes = len(table)
    if kept is not None:
        left_out = np.setdiff1d(np.arange(n_volumes), kept)
        logger.warning(
            "%s: nilearn leaves %d of %d volumes out (not in the steady state, or "
            "scrubbed): %s",
            image.name,
            len(left_out),
            n_volumes,
            listed(left_out, 8),
        )
        table = table.iloc[kept].set_axis(pd.Index(kept, name="volume"), axis=0)
    table.attrs["n_volumes"] = n_volumes
    return table


def _read_file(path: Path) -> pd.DataFrame:
    ending = path.suffix.lower()
    if ending in _MOTION_ENDINGS:
        return _read_motion(path)
    if ending in (".tsv", ".csv"):
        return _read_table(path)
    raise ValueError(
        f"{path.name} is of no known kind. Expected an image or table of "
        f"fMRIPrep, a motion file ({', '.join(_MOTION_ENDINGS)}), .tsv or .csv."
    )


def _read_motion(path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")
            values = np.loadtxt(path, comments=["#", "//"], ndmin=2)
    except ValueError as error:
        raise ValueError(
            f"{path.name} is not a motion file: {error}. Expected six columns of numbers, "
            "a row per volume."
        ) from error
    if len(values) == _N_MOTION and values.shape[1] != _N_MOTION:
        logger.info("%s has a column per volume and is transposed", path.name)
        values = values.T
    if values.shape[1] == _N_DFILE and np.array_equal(values[:, 0], np.arange(len(values))):
        logger.info("%s: the motion is in columns 1 to 6 of 9 (-dfile)", path.name)
        values = values[:, 1 : 1 + _N_MOTION]
    if values.shape[1] != _N_MOTION:
        raise ValueError(
            f"{path.name} holds {values.shape[0]} x {values.shape[1]} numbers; expected "
            "six motion parameters per volume. Give other confounds as .tsv, .csv, "
            "DataFrame or array."
        )
    return pd.DataFrame(values, columns=[f"motion_{i}" for i in range(_N_MOTION)])


def _read_table(path: Path) -> pd.DataFrame:
    read = read_numbers(path)
    if read.wrong:
        where = "; ".join(f"column {c!r}, {text}" for c, text in read.wrong.items())
        raise TableError(f"{path.name} must hold numbers; found {where[:400]}.")
    return read.table


def _checked(table: pd.DataFrame, n_volumes: int | None, what: str) -> pd.DataFrame:
    if table.index.name == "volume":
        total = table.attrs.get("n_volumes", n_volumes)
        _check_volumes(table.index, total, what)
    else:
        total = len(table)
        table = table.set_axis(pd.RangeIndex(total, name="volume"), axis=0)
    if n_volumes is not None and total != n_volumes:
        raise ValueError(
            f"{what} has confounds of {total} volumes, the image has {n_volumes}. Take the "
            "same volumes out of both (dummy scans), or check that they belong together."
        )
    table = table.set_axis(table.columns.astype(str), axis=1)
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()].unique()
        raise ValueError(f"{what} names a column twice: {listed(twice, 8)}.")
    table = _varying(_finite(table, what), what)
    if table.shape[1] >= len(table) - 2:
        raise ValueError(
            f"{what} has {table.shape[1]} columns for {len(table)} volumes: regressing "
            "them out leaves nothing. Choose fewer."
        )
    if total is not None:
        table.attrs["n_volumes"] = total
    return table


def _check_volumes(volumes: pd.Index, total: int | None, what: str) -> None:
    valid = pd.api.types.is_integer_dtype(volumes.dtype) and len(volumes)
    if valid:
        ascending = volumes.is_monotonic_increasing and volumes.is_unique
        valid = ascending and volumes[0] >= 0 and (total is None or volumes[-1] < total)
    if not valid:
        raise ValueError(
            f"{what}: 'volume' must hold ascending numbers of volumes, counted from 0"
            f"{'' if total is None else f' and below {total}'}; found {listed(volumes, 8)}."
        )


def _finite(table: pd.DataFrame, what: str) -> pd.DataFrame:
    numeric = pd.api.types.is_any_real_numeric_dtype
    others = [f"{c} ({table[c].dtype})" for c in table if not numeric(table[c])]
    if others or table.empty and len(table.columns):
        raise ValueError(
            f"{what} must hold real numbers, a column per confound and a row per volume; "
            f"found {len(table)} rows and {', '.join(others) or 'no'} columns of something "
            "else."
        )
    table = table.astype(float)
    first = table.columns[table.iloc[:1].isna().any()]
    if len(first) and len(table) > 1:
        logger.info(
            "%s: NaN in the first row of %s are replaced by the second row",
            what,
            listed(first, 8),
        )
        table.iloc[0] = table.iloc[0].fillna(table.iloc[1])
    bad = ~np.isfinite(table.to_numpy())
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{what} has {counted(bad.sum(), 'non-finite value')}, the first in volume "
            f"{table.index[row]}, column {table.columns[column]!r}. Fill them, or leave "
            "the column out."
        )
    return table


def _varying(table: pd.DataFrame, what: str) -> pd.DataFrame:
    constant = table.columns[is_constant(table)]
    if len(constant) == 0:
        return table
    if len(constant) == table.shape[1]:
        raise ValueError(
            f"{what}: all {table.shape[1]} columns are constant. Check that this is the "
            "right file."
        )
    logger.info("%s: constant and left out: %s", what, listed(constant, 8))
    return table.drop(columns=constant)
