"""Which volumes found in the EEG are those of the BOLD."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._text import counted
from .grid import Axis
from .options import MarkerOptions
from .series import Series

__all__ = ["kept_volumes"]


def kept_volumes(
    samples: np.ndarray,
    n_volumes: int | None,
    series: Series,
    options: MarkerOptions,
    axis: Axis,
    n_times: int,
) -> tuple[slice, int]:
    """Choose the volumes to keep, and count the rows of BOLD before the first of them."""
    dummies = options.dummy_volumes
    found = len(samples) - dummies
    if found <= 0:
        raise axis.error(f"dummy_volumes={dummies} skips all volumes found.")
    if n_volumes is None or found == n_volumes:
        return slice(dummies, len(samples)), 0
    more, less = max(found, n_volumes), min(found, n_volumes)
    times = round(more / less)
    if times == 1 or abs(more - times * less) > times:
        times = 0
    # Slices that were counted by a wrong tr give a multiple of the volumes.
    slices_counted = times and series.markers_per_volume > 1 and options.n_slices is None
    if found > n_volumes and options.extra == "drop_last" and not slices_counted:
        return slice(dummies, dummies + n_volumes), 0
    advice = ""
    if found > n_volumes:
        reasons = _too_many(found, n_volumes, times, series, dummies)
    else:
        end, advice = _uncovered_end(samples, series, options, axis, n_times)
        if end == "drop_last":
            return slice(dummies, len(samples)), 0
        if end == "drop_first":
            # The first to be without EEG are the dummies.
            without = dummies + n_volumes - len(samples)
            return slice(max(0, dummies - without), len(samples)), max(0, without - dummies)
        every = f"only one in {times} volumes has a marker (volumes_per_marker={times}), "
        reasons = (
            f"{every if times else ''}the EEG began after or ended before the fMRI, "
            "markers are missing before the first or after the last, the scan was stopped "
            "and its BOLD is of several parts, or dummy_volumes is too large"
        )
    raise axis.error(
        f"found {counted(found, 'volume')} (TR {series.tr:.5g} s), from "
        f"{axis.at(samples[dummies])} to {axis.at(samples[-1])}, after "
        f"{counted(dummies, 'dummy volume')}; expected "
        f"n_volumes={n_volumes}, the number that the BOLD has. Plausible reasons: "
        f"{reasons}.{advice}"
    )


def _too_many(found: int, n_volumes: int, times: int, series: Series, dummies: int) -> str:
    """Say why there may be more volumes than rows of BOLD."""
    if times:
        tr, slices = times * series.tr, times * series.markers_per_volume
        return (
            f"these are {times} times as many, so that the repetition time may be {tr:.5g} "
            f"s (tr={tr:.5g}), with {slices} markers per volume (n_slices={slices})"
        )
    return (
        f"{found - n_volumes} dummy volumes at the beginning have no row of BOLD "
        f"(dummy_volumes={dummies + found - n_volumes}), or markers went on after the "
        "last stored volume (extra='drop_last')"
    )


def _uncovered_end(
    samples: np.ndarray,
    series: Series,
    options: MarkerOptions,
    axis: Axis,
    n_times: int,
) -> tuple[str, str]:
    """Find the end at which rows of BOLD have no EEG; else, what to say about it."""
    between = series.tr * axis.sfreq * options.volumes_per_marker
    # The EEG may be interrupted: what counts is the part that the markers are in.
    edges = [0, *axis.joints, n_times]
    begin = max(edge for edge in edges if edge <= samples[0])
    stop = min(edge for edge in edges if edge > samples[-1])
    room = {"drop_first": samples[0] - begin, "drop_last": stop - samples[-1]}
    open_ends = [end for end, length in room.items() if length < between]
    wanted = options.uncovered
    if wanted in open_ends:
        return wanted, ""
    if wanted == "drop" and len(open_ends) == 1:
        return open_ends[0], ""
    return "", _said_of(open_ends, room, axis, wanted)


def _said_of(open_ends: list[str], room: dict[str, float], axis: Axis, wanted: str) -> str:
    """Say what the ends of the EEG show, and what to do."""
    seconds: Callable[[str], str] = lambda end: f"{room[end] / axis.sfreq:.3g} s"  # noqa: E731
    begins = f"The EEG begins {seconds('drop_first')} before the first marker"
    ends = f"ends {seconds('drop_last')} after the last"
    if len(open_ends) == 2:
        return (
            f" {begins} and {ends}, so that it may have begun late or ended early: say "
            "which rows of BOLD have no EEG, by uncovered='drop_first' or "
            "uncovered='drop_last'."
        )
    if not open_ends:
        if wanted == "raise":
            return ""
        return (
            f" {begins} and {ends}, so that the EEG was there before or after, and no rows "
            f"of BOLD are left out by uncovered={wanted!r}: markers are missing."
        )
    late = open_ends[0] == "drop_first"
    what = (
        f"{begins}, less than one repetition time: it seems to have begun after the fMRI"
        if late
        else f"The EEG {ends} marker, less than one repetition time: it seems to have "
        "ended before the fMRI"
    )
    where = "first" if late else "last"
    return f" {what}. If so, uncovered='drop' leaves out the {where} rows of BOLD."
