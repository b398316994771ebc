"""Finding one marker per volume in a recording."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import mne
import numpy as np
import pandas as pd
from scipy.ndimage import median_filter

from .._text import counted
from .annotations import (
    check_raw,
    matches_marker,
    onset_samples,
    recording_file,
    replace_markers,
)
from .counting import kept_volumes
from .grid import Axis, Grid
from .options import MarkerOptions
from .report import MarkerReport
from .series import Series, resolve
from .sources import read_positions

__all__ = ["VolumeMarkers", "find_volume_markers"]

logger = logging.getLogger(__name__)

#: Markers closer than this to the grid, in samples, stay where they are: they are
#: rounded to samples, and the grid is not exact.
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
        What was found and corrected.
    first_samp : int
        ``raw.first_samp`` of the recording that they were found in.
    spelled : tuple of str
        Descriptions of the annotations that they were found in, as written.
    first_row : int
        Row of BOLD of the first volume: more than 0 if the EEG began after the fMRI
        (`uncovered`).
    """

    samples: np.ndarray
    tr: float
    marker: str
    report: MarkerReport
    first_samp: int
    spelled: tuple[str, ...] = ()
    first_row: int = 0

    @property
    def rows(self) -> slice:
        """The rows of BOLD that the volumes belong to: all, unless `uncovered`."""
        return slice(self.first_row, self.first_row + len(self))

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
            A copy. Its other annotations are as they were, and so are the
            ``extras`` of markers that still stand for a volume.

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
        ours = {
            text
            for text in set(annotations.description)
            if text in self.spelled or matches_marker(text, self.marker)
        }
        rows = self.report.markers
        rows = rows[rows["status"].isin(["kept", "moved"])]
        volume_at = dict(zip(rows["sample"], rows["volume"], strict=True))
        extras: list[dict] = [{} for _ in self.samples]
        at = onset_samples(raw, annotations.onset)
        for sample, text, extra in zip(
            at, annotations.description, annotations.extras, strict=True
        ):
            if text in ours and extra and sample in volume_at:
                extras[volume_at[sample]] |= extra
        return replace_markers(raw, ours, self.samples / sfreq, self.marker, extras)


def find_volume_markers(
    raw: mne.io.BaseRaw,
    marker: str | int | Sequence[str] | None = None,
    tr: float | None = None,
    *,
    n_volumes: int | None = None,
    dummy_volumes: int = 0,
    n_slices: int | None = None,
    volumes_per_marker: int = 1,
    missing: str = "raise",
    segment: int | str | None = None,
    extra: str = "raise",
    stim_channel: str | None = None,
    tolerance: float | None = None,
    uncovered: str = "raise",
) -> VolumeMarkers:
    """Find one marker per fMRI volume, on a regular grid.

    Markers that were written twice, a few samples late or early, or once per slice
    become one per volume, and spurious ones are removed. The report lists every
    change, and the log gives a summary. No series of volumes crosses a joint of the
    recording (:func:`~braindecode_bolt.markers.joint_samples`). Ambiguous markers are an
    error that says where they are.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG. It is not changed.
    marker : str | int | sequence of str | None
        Description of the annotations that mark volumes, several that mark them
        together, or an event code of a stimulus channel. By default the usual ones
        are tried. :class:`~braindecode_bolt.markers.MarkerOptions` says more about this
        and the following arguments.
    tr : float | None
        Repetition time in seconds. By default it is measured.
    n_volumes : int | None
        How many volumes there must be, for example the rows of BOLD. By default any
        number of them.
    dummy_volumes : int
        How many volumes at the beginning are skipped. Default 0.
    n_slices : int | None
        Markers per volume. By default they are counted, if `tr` is given.
    volumes_per_marker : int
        Volumes per marker. Default 1.
    missing : {"raise", "fill"}
        Whether markers missing inside the run are an error (default) or are put on
        the regular grid.
    segment : int | {"longest"} | None
        Which part to use if the rhythm is broken, counted from 0. By default a break
        is an error.
    extra : {"raise", "drop_last"}
        Whether more volumes than `n_volumes` are an error (default), or those after
        that number are dropped.
    stim_channel : str | None
        Look for the markers in this channel. By default in the annotations first,
        then in all stimulus channels.
    tolerance : float | None
        Largest distance of a marker from the regular grid, in seconds. By default
        5 ms or 3 samples, whichever is longer.
    uncovered : {"raise", "drop", "drop_first", "drop_last"}
        Whether fewer volumes than `n_volumes` are an error (default), or the rows of
        BOLD without EEG, before the first or after the last marker, are left out.

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
    RecordingGapError
        If `raw` comes from an EDF+D or BDF+D file with gaps, and was not corrected by
        :func:`~braindecode_bolt.markers.mark_joints`.
    ValueError
        If an argument has an invalid value, or ``extra="drop_last"`` is given without
        `n_volumes`.
    TypeError
        If `raw` is not a Raw object, but a Recording for example, or a number is
        something else.

    See Also
    --------
    attach_bold : Writes BOLD into the markers.
    braindecode_bolt.markers.find_markers : Finds annotations as they are.

    Notes
    -----
    These decisions are made automatically and reported. Of markers within the
    tolerance of each other, the one nearest to the grid is kept. Up to a tenth of the
    number of volumes (or 3), markers off the grid are removed as spurious; so is a
    single marker more than 5 volumes before or after the run. A marker within three
    quarters of a sample of the grid is not moved, since markers are rounded to
    samples. Whether markers are missing before the first
    or after the last cannot be seen in the data: give `n_volumes`.

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
      repeated markers removed: 1 (7.100 s)
      markers moved to the grid (samples): 1 (9.204 s 1 late)
    """
    # fmt: off
    options = MarkerOptions(
        marker, tr, dummy_volumes, n_slices, volumes_per_marker, missing, extra, segment,
        stim_channel, tolerance, uncovered=uncovered,
    )
    # fmt: on
    return find_with(raw, options, n_volumes)


def find_with(
    raw: mne.io.BaseRaw, options: MarkerOptions, n_volumes: int | None
) -> VolumeMarkers:
    """Do what `find_volume_markers` does."""
    if n_volumes is not None and n_volumes < 1:
        raise ValueError(f"n_volumes must be positive, got {n_volumes}.")
    if options.extra == "drop_last" and n_volumes is None:
        raise ValueError("extra='drop_last' needs n_volumes, the number to keep.")
    axis, n_times = Axis.of(check_raw(raw), options.tolerance), raw.n_times
    found = read_positions(raw, axis, options)
    series = resolve(found.positions, axis, options, n_volumes is not None)
    every = options.volumes_per_marker
    if every > 1:
        series = _divided(series, every, n_volumes, options.dummy_volumes, n_times)
    samples, own = _place(found.positions, series, n_times)
    lacks = (own < 0) & (np.arange(len(own)) % every == 0)
    if options.missing == "raise" and lacks.any():
        spurious = found.positions[series.status == "spurious"]
        raise axis.error(_missing(spurious, series.tr, samples, lacks, axis))
    kept, before = kept_volumes(samples, n_volumes, series, options, axis, n_times)
    stop = kept.stop - kept.start
    after = 0 if n_volumes is None else n_volumes - before - stop
    if series.cut and kept.stop == len(samples):
        raise axis.error(
            f"in the slice markers, {series.cut}. Crop the EEG to whole volumes "
            "(Raw.crop), or give n_volumes without the last and extra='drop_last'."
        )
    report = MarkerReport(
        source=found.source,
        sfreq=axis.sfreq,
        tr=series.tr,
        measured_tr=series.grid.measured / axis.sfreq,
        n_volumes=stop,
        markers=_table(found.positions, series, samples, kept),
        filled=samples[kept][lacks[kept]],
        dropped_segments=series.dropped,
        markers_per_volume=series.markers_per_volume,
        n_uneven=series.uneven,
        volumes_per_marker=every,
        uncovered=(before, after),
    )
    _log(report, axis)
    samples = samples[kept]
    samples.flags.writeable = False
    return VolumeMarkers(
        samples, series.tr, found.marker, report, raw.first_samp, found.spelled, before
    )


def _divided(
    series: Series, parts: int, n_volumes: int | None, dummy_volumes: int, n_times: int
) -> Series:
    """Make volumes of a series in which only every n-th volume has a marker."""
    grid = series.grid
    whole = grid.n_volumes * parts
    period = grid.period / parts
    inside = int((n_times - 1 - grid.origin) // period) + 1
    if n_volumes is not None:
        inside = n_volumes + dummy_volumes
    # How many there are after the last marker is not known from the markers.
    number = inside if whole - parts < inside <= whole else whole
    return replace(
        series,
        grid=Grid(grid.origin, period, number, grid.measured / parts),
        volume=np.where(series.volume >= 0, series.volume * parts, -1),
        tr=series.tr / parts,
    )


def _place(
    positions: np.ndarray, series: Series, n_times: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sample of each volume, and which marker is its own (-1 for none)."""
    grid = series.grid.positions
    own = np.full(len(grid), -1)
    markers = np.flatnonzero(series.status == "volume")
    own[series.volume[markers]] = markers
    found = positions[own]
    stays = (own >= 0) & (np.abs(found - grid) <= ROUNDING)
    samples = np.rint(np.where(stays, found, grid)).astype(np.int64)
    return np.clip(samples, 0, n_times - 1), own


def _missing(
    spurious: np.ndarray, tr: float, samples: np.ndarray, lacks: np.ndarray, axis: Axis
) -> str:
    """Say which volumes have no marker."""
    begins = np.flatnonzero(lacks & ~np.append(False, lacks[:-1]))
    ends = np.flatnonzero(lacks & ~np.append(lacks[1:], False))
    holes = [
        f"volume {first}{f' to {last}' if last > first else ''}, expected at "
        f"{axis.at(samples[first])}"
        for first, last in zip(begins[:5], ends[:5], strict=True)
    ]
    if len(begins) > 5:
        holes.append(f"and {counted(len(begins) - 5, 'more place')}")
    places = axis.places(spurious)
    besides = f" There are markers off the grid at {places}." if places else ""
    return (
        f"{counted(lacks.sum(), 'marker is missing', 'markers are missing')} among "
        f"{len(lacks)} volumes (TR {tr:.5g} s): {'; '.join(holes)}.{besides} If the "
        "scanner was running at these times, use missing='fill' to put markers on the "
        "regular grid."
    )


def _table(
    positions: np.ndarray, series: Series, samples: np.ndarray, kept: slice
) -> pd.DataFrame:
    """Tabulate the status of each marker."""
    sample = np.rint(positions).astype(np.int64)
    status = series.status.astype(object)
    own = series.status == "volume"
    now = samples[series.volume]
    status[own] = np.where(sample[own] == now[own], "kept", "moved")
    volume = series.volume
    in_result = (volume >= kept.start) & (volume < kept.stop)
    status[own & (volume < kept.start)] = "dummy"
    status[own & (volume >= kept.stop)] = "extra"
    residual = positions - series.grid.positions[volume]
    table = pd.DataFrame(
        {
            "sample": sample,
            "status": status,
            "volume": pd.array(volume - kept.start, dtype="Int64"),
            "volume_sample": pd.array(now, dtype="Int64"),
            "residual": np.where(own, residual, np.nan),
        }
    )
    table.loc[~in_result, ["volume", "volume_sample"]] = pd.NA
    return table


def _log(report: MarkerReport, axis: Axis) -> None:
    """Log what was corrected; as a warning if it was much."""
    odd = []
    if len(report.filled) or report.dropped_segments:
        odd.append("markers are missing or the rhythm is broken")
    if len(report.moved) > 0.1 * report.n_volumes:
        odd.append("many markers are off the regular grid")
    residuals = report.residuals[np.isfinite(report.residuals)]
    lasting = np.abs(median_filter(residuals, 11, mode="nearest"))
    if len(residuals) > 11 and lasting.max() > max(0.8, 0.002 * report.sfreq):
        odd.append("markers stay off it for a while: the EEG may lack samples")
    level = logging.INFO if report.corrected else logging.DEBUG
    level = logging.WARNING if odd or any(report.uncovered) else level
    because = f" ({'; '.join(odd)})" if odd else ""
    logger.log(level, "%s: %s%s", axis.name, report, because)
