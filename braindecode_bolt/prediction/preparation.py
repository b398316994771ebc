"""How EEG is prepared for a fitted model, in one go or in pieces."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mne
import numpy as np

from .._text import counted
from ..eeg import ChannelNameError
from ..eeg.channels import match_channels
from ..eeg.montages import SITE_DISTANCE_MM
from ..eeg.prepare import prepare
from ..eeg.selection import site_names
from ..markers.joints import EDGE, joint_samples, mark_joints
from ..recording import Recording

__all__ = ["EEG_OPTIONS", "Piece", "Preparation", "as_recording"]

logger = logging.getLogger(__name__)

#: Arguments of prepare_eeg that a predictor keeps.
EEG_OPTIONS = (
    "sfreq",
    "channels",
    "high_pass",
    "reference",
    "montage",
    "montage_distance_mm",
)
#: What a piece has on both sides, besides half of the filter, in seconds. Resampling by
#: Fourier transform reaches far, with little weight.
_MARGIN = 20.0
#: Electrodes that are interpolated must be fewer than this share of all.
_MOST_INTERPOLATED = 0.5


@dataclass(frozen=True)
class Piece:
    """A part of a recording, prepared.

    Attributes
    ----------
    raw : mne.io.BaseRaw
        The part with margins, prepared.
    offset : float
        Where `raw` begins, in seconds from the start of the recording.
    begin, end : float
        The times whose windows are taken from here: ``begin < time <= end``.
    error : str, default ""
        Why the part could not be prepared; empty if it was.
    """

    raw: mne.io.BaseRaw | None
    offset: float
    begin: float
    end: float
    error: str = ""


@dataclass(frozen=True)
class Preparation:
    """The EEG of one recording and how it is prepared for a fitted model.

    Attributes
    ----------
    recording : Recording
        With marked joints; not prepared.
    chosen : dict of str to str
        Names of the electrodes to use, in the file and as the model knows them; in the
        order of the model.
    missing : list of str
        Electrodes of the model that the recording has not.
    ch_names : list of str
        Electrodes of the result, in the order of the model: those that are there, and the
        missing ones if they are interpolated.
    options : dict
        Arguments of prepare_eeg, besides channels and montage.
    reach : float, default 0.0
        Seconds before a piece that windows of its first times need.
    """

    recording: Recording
    chosen: dict[str, str]
    missing: list[str]
    ch_names: list[str]
    options: dict[str, Any]
    reach: float = 0.0

    @classmethod
    def of(
        cls,
        recording: Recording,
        ch_names: Sequence[str],
        eeg: Mapping[str, Any],
        partial: bool,
        missing: str = "auto",
    ) -> Preparation:
        """Find the electrodes of a model in a recording.

        Parameters
        ----------
        recording : Recording
            As read.
        ch_names : sequence of str
            Electrodes of the model.
        eeg : mapping
            Arguments of prepare_eeg.
        partial : bool
            Whether the model can do with some of its electrodes.
        missing : {"auto", "interpolate", "raise"}, default "auto"
            What to do if electrodes are missing: leave it to a model that can do
            without, else an error; interpolate them from the others; or an error.

        Returns
        -------
        Preparation

        Raises
        ------
        ChannelNameError
            If electrodes are missing and the model needs them, or none is there.
        ValueError
            If `missing` is none of the above.
        """
        if missing not in ("auto", "interpolate", "raise"):
            raise ValueError(
                f'missing must be "auto", "interpolate" or "raise", got {missing!r}.'
            )
        recording = replace(recording, raw=mark_joints(recording.raw))
        distance = eeg.get("montage_distance_mm", SITE_DISTANCE_MM)
        sites, _ = site_names(recording.raw, recording.name, eeg.get("montage"), distance)
        sites = _without_bads(recording, sites, partial or missing != "auto")
        chosen, absent = {}, []
        of_site = {site: name for name, site in sites.items()}
        for wanted in ch_names:
            try:
                (place,) = match_channels([wanted], list(of_site), recording.name)
            except ChannelNameError:
                absent.append(wanted)
            else:
                chosen[list(of_site.values())[place]] = wanted
        _check_missing(recording.name, absent, chosen, len(ch_names), partial, missing)
        options = {k: v for k, v in eeg.items() if k in ("sfreq", "high_pass", "reference")}
        found = list(ch_names) if missing == "interpolate" else list(chosen.values())
        return cls(recording, chosen, absent, found, options)

    @property
    def seconds(self) -> float:
        """Length of the recording in seconds."""
        return self.recording.raw.n_times / self.recording.raw.info["sfreq"]

    def pieces(self, piece_seconds: float) -> Iterator[Piece]:
        """Prepare the recording, in pieces if it is longer than one.

        Parameters
        ----------
        piece_seconds : float
            Length of a piece. What a window needs from before is added.

        Yields
        ------
        Piece
        """
        raw = self.recording.raw
        sfreq, total = raw.info["sfreq"], self.seconds
        number = max(1, int(np.ceil(total / piece_seconds - 1e-9)))
        # Whole seconds, so that samples before and after resampling meet.
        edges = [*np.ceil(np.arange(number) * piece_seconds), np.inf]
        for begin, end in zip(edges[:-1], edges[1:], strict=True):
            yield self._piece(begin, end, sfreq, whole=number == 1)

    def _piece(self, begin: float, end: float, sfreq: float, whole: bool) -> Piece:
        first, last = 0.0, self.seconds
        if not whole:
            first = max(0.0, np.floor(begin - self.reach))
            last = min(self.seconds, np.ceil(end + self.margin))
        # The first piece also has the times before it, which have no window.
        begin = begin if begin > 0 else -np.inf
        start, stop = round(first * sfreq), round(last * sfreq)
        try:
            return Piece(self.prepare(start, stop), start / sfreq, begin, end)
        except ValueError as error:
            if whole or isinstance(error, ChannelNameError):
                raise
            return Piece(None, start / sfreq, begin, end, str(error))

    def with_reach(self, seconds: float) -> Preparation:
        """Make pieces that hold windows of so many seconds before their first time."""
        return replace(self, reach=seconds + self.margin)

    @property
    def margin(self) -> float:
        """Seconds on each side of a piece that the filters need."""
        edge = self.options.get("high_pass")
        # Half of MNE's filter: 3.3 times the period of the transition.
        return _MARGIN + (0.0 if edge is None else np.ceil(1.7 / min(edge, 2.0)))

    def prepare(self, start: int = 0, stop: int | None = None) -> mne.io.BaseRaw:
        """Prepare a part of the recording.

        Parameters
        ----------
        start, stop : int
            Samples; by default all.

        Returns
        -------
        mne.io.BaseRaw
            The electrodes of the model that are there (or all), in its order.

        Raises
        ------
        ValueError
            As :func:`~braindecode_bolt.prepare_eeg`.
        """
        part = read_part(self.recording.raw, self._needed(), start, stop)
        part.rename_channels(
            {k: v for k, v in self.chosen.items() if k != v and k in part.ch_names},
            verbose="error",
        )
        recording = replace(self.recording, raw=part)
        names = list(self.chosen.values())
        prepared = prepare(recording, channels=names, **self.options).raw
        missing = [name for name in self.ch_names if name not in names]
        if missing:
            prepared = interpolate(prepared, missing).reorder_channels(self.ch_names)
        return prepared

    def _needed(self) -> list[str]:
        reference = self.options.get("reference")
        if reference in (None, "average"):
            return list(self.chosen)
        # Reference electrodes may be others: prepare_eeg finds them.
        raw = self.recording.raw
        kinds = raw.get_channel_types()
        return [n for n, kind in zip(raw.ch_names, kinds, strict=True) if kind == "eeg"]


def _without_bads(
    recording: Recording, sites: Mapping[str, str], leave_out: bool
) -> dict[str, str]:
    """Leave out electrodes that are marked as bad, if the model can do without them."""
    bads = [name for name in sites if name in recording.raw.info["bads"]]
    if bads:
        logger.warning(
            "%s: %s, marked as bad, %s",
            recording.name,
            ", ".join(bads),
            "counts as missing" if leave_out else "is used, since the model needs all",
        )
    return {k: v for k, v in sites.items() if not (leave_out and k in bads)}


def _check_missing(
    name: str,
    absent: Sequence[str],
    chosen: Mapping[str, str],
    total: int,
    partial: bool,
    missing: str,
) -> None:
    """Say which electrodes are missing, or raise."""
    if not absent:
        return
    listed = ", ".join(absent)
    if not chosen:
        raise ChannelNameError(
            f"{name} has none of the {total} electrodes of the model: {listed}. For a "
            "dense net, say which it is (montage)."
        )
    what = counted(len(absent), "electrode")
    if missing == "raise" or (missing == "auto" and not partial):
        raise ChannelNameError(
            f"{name} lacks {what} of the {total} that the model was trained on: "
            f"{listed}. This model needs them all: use missing='interpolate' "
            "to interpolate them from the others (MNE's spherical splines), or a model "
            "that does without (BandPowerGP, NeuroBOLT, LabramBOLD)."
        )
    if missing == "interpolate" and len(absent) >= _MOST_INTERPOLATED * total:
        raise ChannelNameError(
            f"{name} lacks {what} of the {total} that the model was trained on ({listed}). "
            "Half or more of them cannot be interpolated."
        )
    how = (
        "interpolated from the others" if missing == "interpolate" else "left to the model"
    )
    logger.warning(
        "%s lacks %s of the %d that the model was trained on; %s: %s",
        name,
        what,
        total,
        how,
        listed,
    )


def read_part(
    raw: mne.io.BaseRaw, names: Sequence[str], start: int, stop: int | None
) -> mne.io.RawArray:
    """Read some channels of a part of a recording, with its BAD spans and joints.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording, with joints marked as MNE does.
    names : sequence of str
        Channels.
    start, stop : int
        Samples; None is the end.

    Returns
    -------
    mne.io.RawArray
        Its first sample is `start`.
    """
    stop = raw.n_times if stop is None else min(stop, raw.n_times)
    picks = [raw.ch_names.index(name) for name in names]
    data = raw.get_data(picks, start, stop)
    info = mne.pick_info(raw.info, picks, verbose="error")
    with info._unlock():
        # Applied when the data were read.
        info["projs"] = []
    part = mne.io.RawArray(data, info, verbose="error")
    sfreq, first = raw.info["sfreq"], start / raw.info["sfreq"]
    rows = []
    for text, onset, duration in zip(
        raw.annotations.description,
        raw.annotations.onset - raw.first_time - first,
        raw.annotations.duration,
        strict=True,
    ):
        if text.upper().startswith("BAD"):
            begin, end = max(onset, 0.0), min(onset + duration, (stop - start) / sfreq)
            inside = begin < end or (duration == 0 and 0 <= onset < (stop - start) / sfreq)
            rows += [(begin, max(end - begin, 0.0), text)] if inside else []
    joints = joint_samples(raw)
    inside = joints[(joints > start) & (joints < stop)] - start
    rows += [(sample / sfreq, 0.0, EDGE) for sample in inside]
    onsets, durations, texts = zip(*rows, strict=True) if rows else ((), (), ())
    part.set_annotations(mne.Annotations(onsets, durations, texts), verbose="error")
    return part


def interpolate(raw: mne.io.BaseRaw, names: Sequence[str]) -> mne.io.BaseRaw:
    """Add electrodes by spherical splines from the others, with MNE.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Prepared EEG.
    names : sequence of str
        Electrodes of the 10-05 system to add, at the end.

    Returns
    -------
    mne.io.BaseRaw

    Raises
    ------
    ChannelNameError
        If one has no position.
    """
    montage = mne.channels.make_standard_montage("colin27_1005")
    known = {name.upper() for name in montage.ch_names}
    unknown = [name for name in [*raw.ch_names, *names] if name.upper() not in known]
    if unknown:
        raise ChannelNameError(
            f"{', '.join(unknown)} has no position in the 10-05 system, so electrodes "
            "cannot be interpolated."
        )
    info = mne.create_info([*raw.ch_names, *names], raw.info["sfreq"], "eeg")
    data = np.vstack([raw.get_data(), np.zeros((len(names), raw.n_times))])
    whole = mne.io.RawArray(data, info, verbose="error")
    whole.set_montage(montage, match_case=False, verbose="error")
    whole.info["bads"] = list(names)
    whole.interpolate_bads(reset_bads=True, verbose="error")
    return whole.set_annotations(raw.annotations, verbose="error")


def as_recording(raw: Any) -> Recording:
    """Accept a Raw or a Recording.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if isinstance(raw, Recording):
        return raw
    if isinstance(raw, mne.io.BaseRaw):
        file = next((name for name in raw.filenames if name), None)
        return Recording(raw, "recording" if file is None else Path(file).stem)
    raise TypeError(
        f"Expected an mne.io.Raw or a Recording, got {type(raw).__name__}. Read the file: "
        "mne.io.read_raw(path)."
    )
