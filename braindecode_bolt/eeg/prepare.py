"""Preparing EEG: channels, units, sampling rate, high-pass and reference."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np

from .._checks import check_number
from ..markers import stretches
from ..markers.annotations import with_annotations
from ..markers.joints import mark_edges
from ..recording import Recording, check_recording
from .artifacts import residual_gradient
from .cache import cached_raw, identity_of
from .montages import RECORDED, SITE_DISTANCE_MM, positions_of
from .reading import signals
from .selection import choose_channels, choose_kept, find_reference, site_names
from .units import check_raw

__all__ = ["SFREQ", "prepare", "prepare_eeg"]

logger = logging.getLogger(__name__)

#: Sampling rate of the published preparation, in Hz. LaBraM's patches have 200 samples,
#: one second.
SFREQ = 200.0
# Files of up to this many samples (32 MiB as float64) are read at once, longer ones
# channel by channel: half of the memory for 26 channels of 20 minutes at 250 Hz, a tenth
# at 5 kHz, in up to 1.5 times the time.
_AT_ONCE = 2**22


def prepare_eeg(
    recording: Recording,
    sfreq: float = SFREQ,
    channels: Sequence[str] | None = None,
    high_pass: float | None = None,
    reference: str | Sequence[str] | None = None,
    cache_dir: str | Path | None = None,
    montage: str | None = None,
    montage_distance_mm: float = SITE_DISTANCE_MM,
) -> Recording:
    """Prepare the EEG of a recording for :func:`~braindecode_bolt.create_bold_windows`.

    Channel names get the spelling of MNE's montages. Channels that are not scalp EEG
    (by type, or by a name such as ``ECG``, ``VEOGo``, ``CWL1`` or ``A2-A1``) are left
    out and logged. Positions of the 10-05 system are added if the file has none. The
    signal is resampled; volume markers keep their time. On request it is high-pass
    filtered and re-referenced.

    Gradient and pulse artifacts must have been removed before. If
    :func:`~braindecode_bolt.eeg.artifacts.residual_gradient` finds gradient artifacts
    in the result, a warning is logged.

    Parameters
    ----------
    recording : Recording
        A recording as read. It is not changed.
    sfreq : float
        Sampling rate of the result in Hz. Default 200, as published.
    channels : sequence of str | None
        Channels to keep, in this order, in any spelling. By default all
        electrodes, in the order of the file.
    high_pass : float | None
        Edge of a high-pass in Hz, by default None. The published inter-subject
        runs had 0.5 Hz, after resampling as here. It is MNE's default: a
        zero-phase FIR filter with a Hamming window (:meth:`mne.io.Raw.filter`);
        from `high_pass` on nothing is attenuated, at half of it 6 dB are (up to 2
        Hz; above, the transition is 2 Hz wide, or a quarter of `high_pass`). At
        0.5 Hz it is 6.6 s long. Nothing is filtered or resampled across a joint of
        the recording (:func:`~braindecode_bolt.markers.joint_samples`).
    reference : str | sequence of str | None
        ``"average"`` of the channels kept, or one or several electrodes, in any
        spelling, whose mean is subtracted (:meth:`mne.io.Raw.set_eeg_reference`).
        By default the reference is not changed. Electrodes named here need not be
        among `channels`: they are read and prepared in the same way, and left out of
        the result. A single reference electrode would be flat, so it is left out
        unless `channels` names it, which is an error. Channels marked as bad are not
        part of the average and keep their reference, as in MNE. The electrode that the
        recording was referenced to counts only if it is in the file.
    cache_dir : str | Path | None
        Folder to keep the result in, and to read it from if it has been prepared
        before (same file, channels, arguments and versions). The EEG then stays on
        disk, as float32 microvolts, and windows are read from there. By default it
        is prepared each time, in memory.
    montage : str | None
        Where the electrodes of a dense net are, whose names are its own (BioSemi's
        ``A1`` to ``H32``, EGI's ``E1`` to ``E256``): the name of a montage of MNE
        (``"biosemi128"``, ``"GSN-HydroCel-256"``, see
        :func:`mne.channels.get_builtin_montages`) or ``"recorded"`` for the positions in
        the file. Each such electrode gets the name of the closest site of the 10-05
        system (:func:`~braindecode_bolt.eeg.electrode_sites` gives the table); those
        without a site within `montage_distance_mm` are left out and logged. `channels`
        and `reference` then are names of sites. Electrodes that are named after a site
        keep their names. By default all electrodes must be.
    montage_distance_mm : float
        Largest distance between an electrode and the site that names it, in mm on a
        head of 95 mm radius. Default 12, half of the distance between neighbouring
        sites of the 10-10 system.

    Returns
    -------
    Recording
        With a new Raw object, in volts, of EEG channels only.

    Raises
    ------
    ChannelNameError
        If a channel that MNE takes for EEG has a name that is no electrode of
        the 10-05 system, or the names are those of a dense net, and no montage is
        given; if the montage does not fit; if two channels have the same name after
        normalisation; or if one of `channels` or `reference` is missing.
    ValueError
        If the data hold values that are not finite, a channel is flat, or the
        amplitudes cannot be EEG in volts; if the recording, or every part of it
        between joints, is shorter than the filter; if re-referencing would leave
        a channel flat; if an argument is out of range.
    TypeError
        If `recording` is not a Recording, but a Raw object for example, or `sfreq` is
        not a number.
    RecordingGapError
        If the file is EDF+D or BDF+D with gaps, and was not corrected by
        :func:`~braindecode_bolt.markers.mark_joints`.
    CacheError
        If `cache_dir` cannot be used, or an entry in it is damaged.
    OSError
        If the result cannot be written to `cache_dir`, as on a full disk.

    See Also
    --------
    prepare_bold : Prepares the other side of a recording.
    braindecode_bolt.eeg.common_channels : What to give as `channels` for several montages.

    References
    ----------
    Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
    Synthesis with Multi-dimensional Feature Mapping. NeurIPS 2024, section 3.2.

    Examples
    --------
    >>> from braindecode_bolt import prepare_eeg
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=60.0).load()[0]
    >>> prepared = prepare_eeg(recording, channels=["O1", "O2"], high_pass=0.5)
    >>> prepared.raw.ch_names, float(prepared.raw.info["sfreq"])
    (['O1', 'O2'], 200.0)
    """
    prepared = prepare(
        recording,
        sfreq,
        channels,
        high_pass,
        reference,
        cache_dir,
        montage,
        montage_distance_mm,
    )
    residual_gradient(prepared)
    return prepared


def prepare(
    recording: Recording,
    sfreq: float = SFREQ,
    channels: Sequence[str] | None = None,
    high_pass: float | None = None,
    reference: str | Sequence[str] | None = None,
    cache_dir: str | Path | None = None,
    montage: str | None = None,
    montage_distance_mm: float = SITE_DISTANCE_MM,
) -> Recording:
    """Do what `prepare_eeg` does, without looking for gradient artifacts."""
    name = check_recording(recording).name
    _check_rates(sfreq, high_pass)
    # MNE's filters know joints that are marked in its own way.
    recording = replace(recording, raw=mark_edges(recording.raw))
    sites = site_names(recording.raw, name, montage, montage_distance_mm)
    wanted = choose_channels(recording.raw, name, channels, sites)
    referenced = find_reference(recording.raw, name, reference, sites)
    kept = choose_kept(wanted, referenced, name, channels)

    def prepared() -> mne.io.BaseRaw:
        raw = _read(recording.raw, wanted | referenced, montage)
        check_raw(raw, name)
        raw = _resample(raw, name, sfreq)
        if high_pass is not None:
            _high_pass(raw, name, high_pass)
        if reference is not None:
            _set_reference(raw, name, kept, list(referenced.values()))
        return raw if raw.ch_names == kept else raw.pick(kept, verbose="error")

    if cache_dir is None:
        raw = prepared()
    else:
        key = {
            "source": identity_of(recording.raw),
            "channels": list((wanted | referenced).items()),
            "kept": kept,
            "sfreq": sfreq,
            "high_pass": high_pass,
            "reference": "average" if reference == "average" else list(referenced),
            "montage": montage,
        }
        raw = cached_raw(cache_dir, name, key, prepared)
        _place_annotations(recording.raw, raw)
        # Like the annotations, it belongs to the recording and not to its signal.
        raw.info["description"] = recording.raw.info["description"]
    return replace(recording, raw=raw)


def _resampled(parts: Sequence[tuple[int, int]], ratio: float) -> np.ndarray:
    """Bounds of the parts of a recording after resampling, each by itself as MNE does."""
    lengths = [max(1, round(ratio * (stop - start))) for start, stop in parts]
    return np.cumsum([0, *lengths])


def _place_annotations(source: mne.io.BaseRaw, raw: mne.io.BaseRaw) -> None:
    """Put the annotations of a recording into the resampled one, in the same places."""
    annotations = source.annotations
    sfreq, rate = source.info["sfreq"], raw.info["sfreq"]
    parts = stretches(source)
    old = np.array([start for start, _ in parts]) / sfreq
    new = _resampled(parts, rate / sfreq)[:-1] / rate

    def moved(seconds: np.ndarray) -> np.ndarray:
        # Onsets are sums of seconds: one at a joint must not fall before it.
        part = np.maximum(np.searchsorted(old, seconds + 1e-6, side="right") - 1, 0)
        return new[part] + (seconds - old[part])

    onset = annotations.onset - source.first_time
    begin = moved(onset)
    raw.set_annotations(mne.Annotations([], [], [], orig_time=raw.info["meas_date"]))
    # set_annotations would drop markers that the new rate rounds beyond the last sample.
    raw.annotations.append(
        begin + raw.first_time,
        np.maximum(0.0, moved(onset + annotations.duration) - begin),
        annotations.description,
        ch_names=annotations.ch_names,
        extras=annotations.extras,
    )


def _check_rates(sfreq: float, high_pass: float | None) -> None:
    check_number(sfreq, "sfreq")
    if sfreq <= 0:
        raise ValueError(f"sfreq must be a positive number of Hz, got {sfreq}.")
    if high_pass is not None and not 0 < high_pass < sfreq / 2:
        raise ValueError(
            f"high_pass must lie between 0 and half of the sampling rate, "
            f"{sfreq / 2:g} Hz, got {high_pass}; None for no filter."
        )


def _read(
    raw: mne.io.BaseRaw, wanted: dict[str, str], montage: str | None
) -> mne.io.BaseRaw:
    """Copy some channels, under their standard names, in this order.

    Large files are not loaded.
    """
    if raw.preload:
        # Raw.copy would copy the channels that are not wanted, too.
        picked = with_annotations(raw, raw.annotations, share=True)
    else:
        picked = raw.copy()
        if raw.proj:
            # Projections mix channels: MNE needs all of them.
            picked.load_data(verbose="error")
    picked.pick(list(wanted), verbose="error")
    if not picked.preload and len(wanted) * picked.n_times <= _AT_ONCE:
        picked.load_data(verbose="error")
    picked.rename_channels(wanted, verbose="error")
    picked.set_channel_types(dict.fromkeys(picked.ch_names, "eeg"), verbose="error")
    if montage not in (None, RECORDED):
        placed = positions_of(raw, wanted, montage)
        picked.set_montage(placed, on_missing="ignore", verbose="error")
    places = [ch["loc"][:3] for ch in picked.info["chs"]]
    if not any(np.isfinite(place).all() and place.any() for place in places):
        picked.set_montage(
            "colin27_1005", match_case=False, on_missing="ignore", verbose="error"
        )
    return picked


def _resample(raw: mne.io.BaseRaw, name: str, sfreq: float) -> mne.io.BaseRaw:
    """Resample each part between joints by itself, and load the result."""
    if raw.info["sfreq"] == sfreq:
        return raw.load_data(verbose="error")
    parts = stretches(raw)
    # Both by Fourier transform, MNE's default. Its polyphase method is four times as
    # fast for round lengths, 60 times as slow for others, and shifts the signal by
    # up to half a sample.
    if len(parts) == 1:
        onsets = raw.annotations.onset - raw.first_time
        raw.resample(sfreq, verbose="error")
        # MNE rounds first_samp to the new rate, which can move the markers by half a
        # sample against the data.
        raw.annotations.onset = onsets + raw.first_time
        return raw.load_data(verbose="error")
    ratio = sfreq / raw.info["sfreq"]
    bounds = _resampled(parts, ratio)
    data = np.empty((len(raw.ch_names), bounds[-1]))
    for row, (_, signal) in zip(data, signals(raw, raw.ch_names, name), strict=True):
        for (start, stop), begin, end in zip(parts, bounds[:-1], bounds[1:], strict=True):
            row[begin:end] = mne.filter.resample(
                signal[start:stop], sfreq, raw.info["sfreq"], npad="auto"
            )
    info = raw.info.copy()
    low_pass = info["lowpass"] or np.inf
    with info._unlock():
        info["sfreq"], info["lowpass"] = float(sfreq), min(low_pass, sfreq / 2)
    resampled = mne.io.RawArray(data, info, round(raw.first_samp * ratio), verbose="error")
    _place_annotations(raw, resampled)
    return resampled


def _high_pass(raw: mne.io.BaseRaw, name: str, high_pass: float) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "filter_length", RuntimeWarning)
        try:
            raw.filter(high_pass, None, verbose="warning")
        except RuntimeWarning as warning:
            sfreq = raw.info["sfreq"]
            length = len(mne.filter.create_filter(None, sfreq, high_pass, None, verbose=0))
            raise ValueError(
                f"{name}: the high-pass at {high_pass:g} Hz is {length / sfreq:.1f} s "
                f"long, longer than the recording of {raw.n_times / sfreq:.1f} s or than "
                "every part of it between joints. Choose a higher "
                "edge, or None."
            ) from warning


def _set_reference(
    raw: mne.io.BaseRaw, name: str, kept: list[str], referenced: list[str]
) -> None:
    bads = raw.info["bads"]
    if not referenced and len(set(kept) - set(bads)) < 2:
        raise ValueError(
            f"{name}: an average reference needs at least 2 good channels, there are "
            f"{len(set(kept) - set(bads))}."
        )
    raw.set_eeg_reference(referenced or "average", verbose="error")
    used = ", ".join(referenced) or f"the average of {len(set(kept) - set(bads))} channels"
    logger.info("%s: referenced to %s", name, used)
    old = [channel for channel in kept if channel in bads]
    if old:
        logger.warning(
            "%s: %s, marked as bad, keeps the reference of the recording",
            name,
            ", ".join(old),
        )
