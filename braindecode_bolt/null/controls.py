"""Control windows, whose EEG is unrelated to their BOLD; models are trained on them."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pandas as pd

from ..windows.create import BOLDWindows
from ..windows.lazy import LazyWindows

__all__ = ["constant_eeg", "constant_windows", "wrong_subject"]

logger = logging.getLogger(__name__)


def wrong_subject(
    windows: BOLDWindows, random_state: int | np.random.Generator | None = 0
) -> BOLDWindows:
    """Pair the BOLD of each recording with the EEG of another subject.

    Each volume gets the window that the donor has at this volume. What a model trained
    and scored on these windows still predicts does not come from the subject's own EEG:
    it is the same at the same volume in all subjects, such as drifts from the start of a
    scan, and responses to a task with the same timing.

    Each subject is the donor of one other subject. So if cross-validation keeps
    subjects apart, it keeps the EEG apart as well.

    Parameters
    ----------
    windows : BOLDWindows
        Windows of at least two subjects. They are not changed, and share their EEG
        with the result.
    random_state : int | numpy.random.Generator | None
        Seed of who is whose donor, and of the choice among several recordings of the
        donor. Default 0.

    Returns
    -------
    BOLDWindows
        With metadata, `y`, `noiseless` and `noiseless_window` of the BOLD; ``start``
        and ``stop`` are those of the donor. Volumes without a window in the donor are
        left out, logged, and counted as ``no_donor_window`` in `left_out`, whose
        ``eeg_of`` names the donor's recording.

    Raises
    ------
    ValueError
        If there is only one subject, or donors have no window at any volume.

    See Also
    --------
    constant_eeg : The same window of EEG for all volumes.
    null_r : How large R is by chance, without training again.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.null import wrong_subject
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> windows = create_bold_windows(SimulatedEEGfMRI(3, duration=60.0).load())
    >>> control = wrong_subject(windows)
    >>> control.left_out[["recording", "eeg_of"]].shape
    (3, 2)
    """
    table = windows.metadata.reset_index(drop=True)
    donors = _donors(table, np.random.default_rng(random_state))
    wanted = pd.DataFrame(
        {"recording": table["recording"].map(donors), "volume": table["volume"]}
    )
    offered = table[["recording", "volume", "start", "stop"]]
    found = wanted.merge(offered, "left", ["recording", "volume"])
    rows = np.flatnonzero(found["start"].notna())
    if not len(rows):
        raise ValueError(
            f"None of the {len(table)} windows has a donor with a window at its volume: "
            "recordings of different subjects have no volumes in common."
        )
    metadata = table.iloc[rows].reset_index(drop=True)
    for column in ("start", "stop"):
        metadata[column] = found[column].to_numpy()[rows].astype(table[column].dtype)
    signals = [
        windows.X.signals[donors.get(recording, recording)]
        for recording in range(len(windows.X.signals))
    ]
    X = windows.X.with_signals(signals, metadata)
    left_out = _count(windows.left_out, table, metadata, donors)
    return _with(windows, X, rows, left_out)


def constant_eeg(windows: BOLDWindows, window: int = 0) -> BOLDWindows:
    """Pair all volumes of all recordings with the same window of EEG.

    It is real EEG, not zeros, so that it passes the checks of a fit. A model trained on
    it can only learn the mean of the BOLD (the mean baseline): its predictions are
    constant, their R is not defined, and models on the real windows must have a smaller
    squared error. A defined R shows that the model gets information from elsewhere.

    Parameters
    ----------
    windows : BOLDWindows
        The windows. They are not changed.
    window : int
        Which of them is repeated. Default 0, the first.

    Returns
    -------
    BOLDWindows
        With the rows and the BOLD of `windows`. In the metadata ``start`` is 0 and
        ``stop`` the length of a window everywhere, so that splits within a recording,
        which go by time, are to be made on `windows`; their rows hold here too.

    Raises
    ------
    IndexError
        If there is no such window.

    See Also
    --------
    wrong_subject : EEG that varies, but is of another subject.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.null import constant_eeg
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> windows = create_bold_windows(SimulatedEEGfMRI(1, duration=60.0).load())
    >>> control = constant_eeg(windows)
    >>> bool((control.X[5] == windows.X[0]).all())
    True
    """
    X = constant_windows(windows.X, windows.X, window)
    return _with(windows, X, np.arange(len(windows)), windows.left_out.copy())


def constant_windows(
    source: LazyWindows, like: LazyWindows, window: int = 0
) -> LazyWindows:
    """Repeat one window of EEG in place of others.

    Parameters
    ----------
    source : LazyWindows
        Where the window is from.
    like : LazyWindows
        The windows to replace.
    window : int
        Which window of `source`. Default 0.

    Returns
    -------
    LazyWindows
        As many as `like`, of the same recordings and volumes.
    """
    (one,) = source[[window]].metadata.itertuples()
    # A copy, so that the model cannot read the EEG around it.
    stretch = np.array(source.signals[one.recording][:, one.start : one.stop])
    metadata = like.metadata.assign(start=0, stop=source.shape[-1])
    # As many as before, so that positions in the metadata stay valid.
    return like.with_signals([stretch] * len(like.signals), metadata)


def _donors(table: pd.DataFrame, rng: np.random.Generator) -> dict[int, int]:
    """Choose the recording that gives its EEG, for each recording."""
    of_subject = table.groupby("subject")["recording"].unique()
    if len(of_subject) < 2:
        raise ValueError(
            f"All {table['recording'].nunique()} recordings are of one subject "
            f"({', '.join(map(str, of_subject.index))}), and the EEG of another one is "
            "needed. Give windows of two subjects or more, or use constant_eeg."
        )
    # Each subject gives to the next in a ring.
    ring = rng.permutation(len(of_subject))
    donors = {}
    for receiver, giver in zip(ring, np.roll(ring, 1), strict=True):
        offered = rng.permutation(of_subject.iloc[giver])
        for position, recording in enumerate(of_subject.iloc[receiver]):
            donors[int(recording)] = int(offered[position % len(offered)])
    return donors


def _count(
    left_out: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    donors: dict[int, int],
) -> pd.DataFrame:
    """Count the windows of each recording, and name whose EEG it has."""
    positions = range(len(left_out))
    n_before, n_after = (
        table["recording"].value_counts().reindex(positions, fill_value=0).to_numpy()
        for table in (before, after)
    )
    names = left_out["recording"].to_numpy()
    eeg_of = [names[donors[p]] if p in donors else None for p in positions]
    logger.info(
        "EEG of other subjects for %d of %d windows; left out: %d whose donor has no "
        "window at their volume",
        len(after),
        len(before),
        len(before) - len(after),
    )
    for position in np.flatnonzero((n_after == 0) & (n_before > 0)):
        logger.warning("%s has no volume in common with its donor", names[position])
    return left_out.assign(
        windows=n_after, no_donor_window=n_before - n_after, eeg_of=eeg_of
    )


def _with(
    windows: BOLDWindows, X: LazyWindows, rows: np.ndarray, left_out: pd.DataFrame
) -> BOLDWindows:
    """Replace the EEG of some rows."""
    tables = {
        name: getattr(windows, name)[rows]
        for name in ("y", "noiseless", "noiseless_window")
        if getattr(windows, name) is not None
    }
    return replace(windows, X=X, left_out=left_out, **tables)
