"""Options for finding the volume markers of a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["MarkerOptions"]

#: Options that are numbers.
_NUMBERS = {
    "tr": Real,
    "tolerance": Real,
    "n_slices": Integral,
    "volumes_per_marker": Integral,
    "dummy_volumes": Integral,
}


@dataclass(frozen=True)
class MarkerOptions:
    """Options for finding the volume markers of a recording.

    Parameters
    ----------
    marker : str | int | sequence of str | None
        Description of the annotations that mark volumes, or several that mark them
        together (a trigger that alternates between ``T 1_on`` and ``T 1_off``). White
        space does not matter, nor does a type in front (``Response/R128``) unless it
        is given, nor a number behind (``R128/17``). An integer is an event code of a
        stimulus channel. By default the usual descriptions are tried (``R128``,
        ``R149``, ``volume``, ``V1``) and, if there are none, the stimulus channels:
        there the code is taken whose events are regular.
    tr : float | None
        Repetition time in seconds. By default it is measured; markers less than 0.3 s
        apart are then taken for those of slices, which is an error that asks for `tr`
        or `n_slices`. If it is given, the
        markers must follow it (clocks may differ by 2e-4).
    dummy_volumes : int
        How many volumes at the beginning have markers but no row of BOLD; they are
        skipped. Default 0.
    n_slices : int | None
        Markers per volume. By default they are counted, if `tr` is given. The first
        marker of a run counts as the first of a volume.
    volumes_per_marker : int
        Volumes per marker, where only every n-th volume has one. Default 1.
    missing : {"raise", "fill"}
        Whether markers missing inside the run are an error (default) or are put on
        the regular grid.
    extra : {"raise", "drop_last"}
        Whether more volumes than rows of BOLD are an error (default), or those after
        the last row are dropped.
    segment : int | {"longest"} | None
        Which part to use if the rhythm is broken by a gap, a restart or a joint of the
        recording, counted from 0. By default a break is an error.
    stim_channel : str | None
        Look for the markers in this channel. By default in the annotations first,
        then in all stimulus channels.
    tolerance : float | None
        Largest distance of a marker from the regular grid, or from its repetition, in
        seconds. By default 5 ms or 3 samples, whichever is longer.
    markers_from : {"eeg", "table"} | None
        Which markers to use if the EEG file has markers and a table beside it
        (``events.tsv``, ``..._volumes.tsv``) gives other times. By default this is an
        error.
    uncovered : {"raise", "drop", "drop_first", "drop_last"}
        Whether rows of BOLD without a marker, before the first or after the last, are an
        error (default) or are left out because the EEG began after or ended before the
        fMRI. ``"drop"`` sees at which end from the EEG: it must begin less than a
        repetition time before the first marker, or end less than one after the last. If
        it does both, say which: the first rows or the last.

    Raises
    ------
    ValueError
        If an option has an invalid value, or both `n_slices` and
        `volumes_per_marker` are above 1.
    TypeError
        If an option that is a number is something else.

    See Also
    --------
    braindecode_bolt.find_volume_markers : Takes these options, except `markers_from`.

    Examples
    --------
    >>> from braindecode_bolt.markers import MarkerOptions
    >>> MarkerOptions("R128", tr=2.1, missing="fill").interval
    2.1
    """

    marker: str | int | Sequence[str] | None = None
    tr: float | None = None
    dummy_volumes: int = 0
    n_slices: int | None = None
    volumes_per_marker: int = 1
    missing: str = "raise"
    extra: str = "raise"
    segment: int | str | None = None
    stim_channel: str | None = None
    tolerance: float | None = None
    markers_from: str | None = None
    uncovered: str = "raise"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> MarkerOptions:
        """Make options from a mapping, in which None means not given.

        Parameters
        ----------
        options : mapping of str to object
            Options by name. Those that are None get their default.

        Returns
        -------
        MarkerOptions
            The options.

        Raises
        ------
        TypeError
            If there is no option of a name, or one that is a number is something else.
        ValueError
            If an option has an invalid value.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in options if name not in known]
        if unknown:
            raise TypeError(
                f"There are no marker options {', '.join(unknown)}; there are "
                f"{', '.join(known)}."
            )
        return cls(**{name: value for name, value in options.items() if value is not None})

    def __post_init__(self) -> None:
        """Raise ValueError or TypeError if an option has an invalid value."""
        for name, kind in _NUMBERS.items():
            value = getattr(self, name)
            if value is not None and (not isinstance(value, kind) or value is True):
                whole = "whole " if kind is Integral else ""
                raise TypeError(f"{name} must be a {whole}number, got {value!r}.")
        for name in ("tr", "n_slices", "volumes_per_marker", "tolerance"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise ValueError(f"{name} must be positive, got {value}.")
        if self.dummy_volumes < 0:
            raise ValueError(
                f"dummy_volumes must not be negative, got {self.dummy_volumes}."
            )
        choices = {
            "missing": ("raise", "fill"),
            "extra": ("raise", "drop_last"),
            "markers_from": (None, "eeg", "table"),
            "uncovered": ("raise", "drop", "drop_first", "drop_last"),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                named = " or ".join(repr(each) for each in allowed if each is not None)
                raise ValueError(f"{name} must be {named}, got {value!r}.")
        if isinstance(self.segment, str) and self.segment != "longest":
            raise ValueError(
                f"segment must be a number or 'longest', got {self.segment!r}."
            )
        if self.volumes_per_marker > 1 and (self.n_slices or 1) > 1:
            raise ValueError(
                "n_slices (several markers per volume) and volumes_per_marker (several "
                "volumes per marker) exclude each other."
            )

    @property
    def interval(self) -> float | None:
        """Seconds between markers of volumes, if `tr` is known."""
        return None if self.tr is None else self.tr * self.volumes_per_marker
