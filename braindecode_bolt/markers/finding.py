"""Finding one marker per volume in a recording."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
from scipy.ndimage import median_filter

from .annotations import (
    add_markers,
    matches_marker,
    onset_samples,
    recording_file,
    with_annotations,
)
from .grid import Axis
from .report import MarkerReport
from .series import Series, resolve
from .sources import read_positions

__all__ = ["VolumeMarkers", "find_volume_markers"]

logger = logging.getLogger(__name__)

#: A marker that is nearer to the grid, in samples, stays where it is: half a
#: sample is rounding, and the line that the grid follows is not exact.
ROUNDING = 0.75


@dataclass(frozen=True, eq=False)
class VolumeMarkers:
    """One marker per volume of a recording.

    Attributes
    ----------
    samples : ndarray of int64, shape (n_volumes,)
        Sample of each volume's marker, counted from the first sample of the
        data (as columns of ``raw.get_data()`` are).
    tr : float
        Repetition time in seconds, as given or as measured.
    marker : str
        Description of the markers in the annotations.
    report : MarkerReport
        What was found and mended.
    first_samp : int
        ``raw.first_samp`` of the recording they were found in.
    """

    samples: np.ndarray
    tr: float
    marker: str
    report: MarkerReport
    first_samp: int

    def __len__(self) -> int:
        """Count the volumes."""
        return len(self.samples)

    def annotate(self, raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
        """Put exactly one marker per volume into the annotations.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            The recording the markers were found in, or one made from it that
            has the same samples (filtered, for example). It is not changed.

        Returns
        -------
        mne.io.BaseRaw
            Shares the data with `raw`. Its other annotations are as they were,
            and so are the ``extras`` of markers that still stand for a volume.

        Raises
        ------
        ValueError
            If `raw` has another sampling rate or beginning, or ends before the
            last volume.
        """
        sfreq = raw.info["sfreq"]
        found = (self.report.sfreq, self.first_samp)
        if found != (sfreq, raw.first_samp) or self.samples[-1] >= raw.n_times:
            raise ValueError(
                f"{recording_file(raw)} is not what the markers were found in: "
                f"{raw.n_times} samples at {sfreq:g} Hz from sample {raw.first_samp}, "
                f"expected more than {self.samples[-1]} at {found[0]:g} Hz from sample "
                f"{found[1]}. Use find_volume_markers after cropping or resampling."
            )
        annotations = raw.annotations
        ours = {d for d in set(annotations.description) if matches_marker(d, self.marker)}
        replaced = np.isin(annotations.description, list(ours))
        rows = self.report.markers
        rows = rows[rows["fate"].isin(["kept", "moved"])]
        volume_at = dict(zip(rows["sample"], rows["volume"], strict=True))
        extras: list[dict] = [{} for _ in self.samples]
        for index in np.flatnonzero(replaced):
            if annotations.extras[index]:
                sample = int(onset_samples(raw, annotations.onset[index]))
                if sample in volume_at:
                    extras[volume_at[sample]] |= annotations.extras[index]
        others = with_annotations(raw, annotations[np.flatnonzero(~replaced)])
        return add_markers(others, self.samples / sfreq, self.marker, extras)


def find_volume_markers(
    raw: mne.io.BaseRaw,
    marker: str | int | None = None,
    tr: float | None = None,
    *,
    n_volumes: int | None = None,
    dummy_volumes: int = 0,
    n_slices: int | None = None,
    missing: str = "raise",
    segment: int | str | None = None,
    extra: str = "raise",
    stim_channel: str | None = None,
    tolerance: float | None = None,
) -> VolumeMarkers:
    """Find one marker per fMRI volume, on a regular grid.

    Markers that were written twice, a few samples late or early, or once per
    slice become one per volume, and strays are removed; the report tells of
    every change, and the log sums them up. What allows more than one reading is
    an error that says where.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG. It is not changed.
    marker : str | int | None
        Description of the annotations that mark volumes; white space does not
        matter, nor does a type in front (``Response/R128``) unless it is given.
        An integer is an event code of a stimulus channel. By default the usual
        descriptions are tried (``R128``, ``R149``, ``volume``, ``V1``), and if
        there are none, the stimulus channels: there the code is taken whose
        events are regular.
    tr : float | None
        Repetition time in seconds. By default it is measured, which takes
        markers less than 0.3 s apart for slices and asks for more. If it is
        given, the markers must follow it (clocks may differ by 2e-4).
    n_volumes : int | None
        How many volumes there must be, for example the rows of BOLD.
    dummy_volumes : int
        How many volumes at the beginning have markers but no row of BOLD; they
        are skipped.
    n_slices : int | None
        Markers per volume. By default they are counted, if `tr` is given. The
        first marker of a run counts as the first of a volume.
    missing : {"raise", "fill"}
        Whether markers missing inside the run are an error or are put on the
        regular grid.
    segment : int | {"longest"} | None
        Which part to take where the rhythm is broken by a gap or a restart,
        counted from 0. By default a break is an error.
    extra : {"raise", "drop_last"}
        Whether more volumes than `n_volumes` are an error, or markers that go
        on after the last volume are dropped.
    stim_channel : str | None
        Look for the markers in this channel. By default in the annotations
        first, then in all stimulus channels.
    tolerance : float | None
        How far a marker may be from its place, or from its repetition, in
        seconds. By default 5 ms or 3 samples, whichever is longer.

    Returns
    -------
    VolumeMarkers
        With ``samples``, ``tr``, ``marker``, ``report`` and ``annotate(raw)``.

    Raises
    ------
    MarkerError
        If there are no markers, they do not follow `tr`, markers are missing,
        the rhythm is broken, too many markers are off the grid, or the number
        of volumes is not `n_volumes`.
    ValueError
        If an argument has no meaning.

    Notes
    -----
    What is decided without asking, and reported: of markers within the
    tolerance of each other, the nearest to the grid is the volume's. Markers
    off the grid are strays, up to a tenth of the number of volumes (or 3); so
    is a marker alone, more than 5 volumes before or after the run. A marker
    within three quarters of a sample of the grid stays where it is, since
    markers are rounded to samples. What nothing in the data tells is whether
    markers are missing before the first or after the last: give `n_volumes`.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from braindecode_bolt.markers import find_volume_markers
    >>> info = mne.create_info(["Cz"], 250.0, "eeg")
    >>> raw = mne.io.RawArray(np.zeros((1, 10_000)), info, verbose="error")
    >>> onsets = [5.0, 7.1, 7.1, 9.204, 11.3, 13.4]  # one twice, one a sample late
    >>> raw = raw.set_annotations(mne.Annotations(onsets, 0.0, "R128"))
    >>> volumes = find_volume_markers(raw, tr=2.1)
    >>> volumes.samples
    array([1250, 1775, 2300, 2825, 3350])
    >>> print(volumes.report)
    6 markers found (annotations 'R128'): 5 volumes, TR 2.1 s, largest residual 1 samples
      1 repeated markers removed: 7.100 s
      1 markers moved to the grid (samples): 9.204 s 1 late
    """
    _check_arguments(
        tr, n_volumes, dummy_volumes, n_slices, missing, segment, extra, tolerance
    )
    sfreq = raw.info["sfreq"]
    close = max(3.0, 0.005 * sfreq) if tolerance is None else tolerance * sfreq
    axis = Axis(recording_file(raw), sfreq, close)
    found = read_positions(raw, axis, marker, stim_channel, tr, n_slices)
    series = resolve(found.positions, axis, tr, n_slices, segment, n_volumes is not None)
    samples, own = _place(found.positions, series, raw.n_times)
    filled = _fill(found.positions, series, samples, own, missing, axis)
    stop = _last_volume(samples[dummy_volumes:], n_volumes, extra, dummy_volumes, axis)
    kept = slice(dummy_volumes, dummy_volumes + stop)
    if series.cut and kept.stop == len(samples):
        raise axis.error(
            f"in the slice markers, {series.cut}. Crop the EEG to whole volumes "
            "(Raw.crop), or give n_volumes without the last and extra='drop_last'."
        )
    table = _table(found.positions, series, samples, dummy_volumes, stop)
    report = MarkerReport(
        source=found.source,
        sfreq=sfreq,
        tr=series.tr,
        measured_tr=series.grid.measured / sfreq,
        n_volumes=stop,
        markers=table,
        filled=samples[kept][filled[kept]],
        segments=series.segments,
        segment=series.segment,
        markers_per_volume=series.markers_per_volume,
        n_uneven=series.uneven,
    )
    _log(report, axis)
    samples = samples[kept]
    samples.flags.writeable = False
    return VolumeMarkers(samples, series.tr, found.marker, report, raw.first_samp)


def _check_arguments(
    tr, n_volumes, dummy_volumes, n_slices, missing, segment, extra, tolerance
) -> None:
    positive = {
        "tr": tr,
        "n_volumes": n_volumes,
        "n_slices": n_slices,
        "tolerance": tolerance,
    }
    for name, value in positive.items():
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"{name} must be positive, got {value}.")
    if dummy_volumes < 0:
        raise ValueError(f"dummy_volumes must not be negative, got {dummy_volumes}.")
    if missing not in ("raise", "fill"):
        raise ValueError(f"missing must be 'raise' or 'fill', got {missing!r}.")
    if extra not in ("raise", "drop_last"):
        raise ValueError(f"extra must be 'raise' or 'drop_last', got {extra!r}.")
    if extra == "drop_last" and n_volumes is None:
        raise ValueError("extra='drop_last' needs n_volumes, the number to keep.")
    if isinstance(segment, str) and segment != "longest":
        raise ValueError(f"segment must be a number or 'longest', got {segment!r}.")


def _place(
    positions: np.ndarray, series: Series, n_times: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sample of each volume, and which marker is its own (-1 for none)."""
    grid = series.grid.positions
    own = np.full(len(grid), -1)
    markers = np.flatnonzero(series.fate == "volume")
    own[series.volume[markers]] = markers
    found = positions[own]
    stays = (own >= 0) & (np.abs(found - grid) <= ROUNDING)
    samples = np.rint(np.where(stays, found, grid)).astype(np.int64)
    return np.clip(samples, 0, n_times - 1), own


def _fill(
    positions: np.ndarray,
    series: Series,
    samples: np.ndarray,
    own: np.ndarray,
    missing: str,
    axis: Axis,
) -> np.ndarray:
    """Mark the volumes that have no marker, if they may be filled."""
    lacks = own < 0
    if missing == "fill" or not lacks.any():
        return lacks
    begins = np.flatnonzero(lacks & ~np.append(False, lacks[:-1]))
    ends = np.flatnonzero(lacks & ~np.append(lacks[1:], False))
    holes = [
        f"volume {first}{f' to {last}' if last > first else ''}, expected at "
        f"{axis.at(samples[first])}"
        for first, last in zip(begins[:5], ends[:5], strict=True)
    ]
    if len(begins) > 5:
        holes.append(f"and {len(begins) - 5} more places")
    strays = positions[series.fate == "stray"]
    besides = f" Off the grid are markers at {axis.places(strays)}." if len(strays) else ""
    raise axis.error(
        f"{lacks.sum()} markers are missing among {len(lacks)} volumes (TR "
        f"{series.tr:.5g} s): {'; '.join(holes)}.{besides} If the scanner went on, put "
        "them on the regular grid with missing='fill'."
    )


def _last_volume(
    samples: np.ndarray,
    n_volumes: int | None,
    extra: str,
    dummy_volumes: int,
    axis: Axis,
) -> int:
    """Count the volumes to keep after the dummies."""
    found = len(samples)
    if found == 0:
        raise axis.error(f"dummy_volumes={dummy_volumes} skips all volumes found.")
    if n_volumes is None or found == n_volumes:
        return found
    if found > n_volumes and extra == "drop_last":
        return n_volumes
    more = abs(found - n_volumes)
    if found > n_volumes:
        reasons = (
            f"{more} dummy volumes at the beginning have no row of BOLD (dummy_volumes="
            f"{dummy_volumes + more}), or markers went on after the last stored volume "
            "(extra='drop_last')"
        )
    else:
        reasons = (
            "the EEG began after or ended before the fMRI, markers are missing before the "
            "first or after the last, the scan was stopped and its BOLD is of several "
            "parts, or dummy_volumes is too large"
        )
    raise axis.error(
        f"found {found} volumes, from {axis.at(samples[0])} to {axis.at(samples[-1])}, "
        f"after {dummy_volumes} dummy volumes; expected n_volumes={n_volumes}. Plausible "
        f"reasons: {reasons}."
    )


def _table(
    positions: np.ndarray, series: Series, samples: np.ndarray, dummies: int, n_volumes: int
) -> pd.DataFrame:
    """Say of each marker what became of it."""
    sample = np.rint(positions).astype(np.int64)
    fate = series.fate.astype(object)
    own = series.fate == "volume"
    now = np.where(series.volume >= 0, samples[series.volume], -1)
    fate[own] = np.where(sample[own] == now[own], "kept", "moved")
    volume = series.volume - dummies
    in_result = (series.volume >= 0) & (volume >= 0) & (volume < n_volumes)
    fate[own & (volume < 0)] = "dummy"
    fate[own & (volume >= n_volumes)] = "extra"
    residual = positions - series.grid.positions[series.volume]
    table = pd.DataFrame(
        {
            "sample": sample,
            "fate": fate,
            "volume": pd.array(volume, dtype="Int64"),
            "volume_sample": pd.array(now, dtype="Int64"),
            "residual": np.where(own, residual, np.nan),
        }
    )
    table.loc[~in_result, ["volume", "volume_sample"]] = pd.NA
    return table


def _log(report: MarkerReport, axis: Axis) -> None:
    """Log what was mended, as a warning where it is more than a slip."""
    odd = []
    if len(report.filled) or report.dropped_segments:
        odd.append("markers are missing or the rhythm is broken")
    if len(report.moved) > 0.1 * report.n_volumes:
        odd.append("many markers are off the regular grid")
    residuals = report.residuals[np.isfinite(report.residuals)]
    lasting = np.abs(median_filter(residuals, 11, mode="nearest"))
    if len(residuals) > 11 and lasting.max() > max(0.8, 0.002 * report.sfreq):
        odd.append("markers stay off it for a while: the EEG may lack samples")
    level = logging.INFO if report.mended else logging.DEBUG
    level = logging.WARNING if odd else level
    because = f" ({'; '.join(odd)})" if odd else ""
    logger.log(level, "%s: %s%s", axis.name, report, because)
