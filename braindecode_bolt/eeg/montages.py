"""Electrodes of dense nets: the site of the 10-05 system that each is closest to."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import mne
import numpy as np
import pandas as pd

from .channels import (
    ChannelNameError,
    channel_kind,
    net_names,
    normalize_channel_name,
    strip_decoration,
)

__all__ = ["RECORDED", "SITE_DISTANCE_MM", "electrode_sites", "positions_of"]

logger = logging.getLogger(__name__)

#: Argument for the positions that are in the file.
RECORDED = "recorded"
#: Default for the largest distance between an electrode and the site that names it:
#: half of the distance between neighbouring sites of the 10-10 system (23 mm).
SITE_DISTANCE_MM = 12.0

# Distances are those on a head of this radius.
_RADIUS_MM = 95.0
# A sphere has four parameters.
_FEWEST_POSITIONS = 8
# MNE's template of the 10-05 system whose directions agree best with those of nets that
# name such sites: BioSemi 64, EasyCap M1 and a Brain Products cap of 128 lie 4 to 5 mm
# from it (median), 8 to 11 mm from MNE's other templates.
_TEMPLATE = "fsaverage_1005"
# EGI numbers the electrode at the vertex last; MNE's montages call it Cz.
_EGI_VERTEX = {"E65", "E129", "E257"}


def electrode_sites(
    raw: mne.io.BaseRaw,
    montage: str,
    max_distance_mm: float = SITE_DISTANCE_MM,
    what: str = "The recording",
) -> pd.DataFrame:
    """Name the electrodes of a recording by their positions.

    An electrode of a net (BioSemi's ``A1`` to ``H32``, EGI's ``E1`` to ``E256``, numbers,
    ...) gets the name of the closest site of the 10-05 system, if that is within
    `max_distance_mm`. No name is given twice, the closest pair first. Sites that LaBraM
    knows and other caps have (mostly of the 10-10 system) are assigned before other
    sites, so that a site between two 10-10 sites does not take one of their electrodes.
    An electrode that is named after a site keeps its name.

    Positions are compared as directions from the centre of the head: a sphere is fitted
    to the electrodes above the ears, in the net as in MNE's template ``fsaverage_1005``.
    A distance is the angle times 95 mm. Nets that follow the 10-20 system land 4 to 5 mm
    from the sites of the same name (median; 11 mm at most).

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    montage : str
        Name of a montage of MNE (:func:`mne.channels.get_builtin_montages`), or
        ``"recorded"`` for the positions in the file.
    max_distance_mm : float
        Largest distance between an electrode and its site in mm. Default 12, half of
        the distance between neighbouring sites of the 10-10 system.
    what : str
        What the recording is called in messages. Default ``"The recording"``.

    Returns
    -------
    pandas.DataFrame
        A row per scalp electrode, indexed by its name in the file, with the columns
        ``site`` (None if there is none within reach) and ``distance_mm`` (NaN if the name
        was kept or there is no site).

    Raises
    ------
    ChannelNameError
        If there are no positions, the montage lacks electrodes of the recording, or no
        electrode is near a site.
    ValueError
        If there is no such montage, or `max_distance_mm` is not positive.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from braindecode_bolt.eeg import electrode_sites
    >>> names = mne.channels.make_standard_montage("biosemi128").ch_names
    >>> info = mne.create_info(names, 200.0, "eeg")
    >>> raw = mne.io.RawArray(np.zeros((128, 1)), info, verbose="error")
    >>> electrode_sites(raw, "biosemi128").loc[["A1", "A23"], "site"].tolist()
    ['Cz', 'Oz']
    """
    if not 0 < max_distance_mm < np.inf:
        raise ValueError(
            f"The distance between electrodes and sites must be a positive number of mm, "
            f"got {max_distance_mm!r}."
        )
    electrodes = _scalp_electrodes(raw)
    to_name = _without_site_name(electrodes, montage)
    table = pd.DataFrame(
        {"site": pd.Series(dtype=object), "distance_mm": pd.Series(dtype=float)},
        index=pd.Index(electrodes, name="electrode"),
    )
    kept = [name for name in electrodes if name not in to_name]
    table["site"] = [normalize_channel_name(n) if n in kept else None for n in electrodes]
    if not to_name:
        return table
    places, around = _places(raw, montage, what)
    lost = [name for name in to_name if name not in places]
    if lost and montage != RECORDED:
        raise ChannelNameError(
            f"{what}: the montage {montage} has no position for {len(lost)} of "
            f"{len(electrodes)} electrodes: {', '.join(lost[:12])}. Give the montage of "
            "the net that was used, or set the type of channels that are not EEG "
            "(Raw.set_channel_types)."
        )
    directions = _directions({n: places[n] for n in to_name if n in places}, around, what)
    taken = set(table["site"].dropna())
    for name, site, distance in _assign(directions, taken, max_distance_mm):
        table.loc[name, ["site", "distance_mm"]] = site, distance
    _report(table, to_name, lost, montage, max_distance_mm, what)
    return table


def positions_of(
    raw: mne.io.BaseRaw, sites: Mapping[str, str], montage: str
) -> mne.channels.DigMontage:
    """Give the positions of the electrodes under the names of their sites.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG, with names as in the file.
    sites : mapping of str to str
        Names in the file to names of sites.
    montage : str
        As in :func:`electrode_sites`.

    Returns
    -------
    mne.channels.DigMontage
        In head coordinates, of those that have a position.
    """
    places = _recorded(raw) if montage == RECORDED else _matched(raw, _of_montage(montage))
    placed = {site: places[name] for name, site in sites.items() if name in places}
    return mne.channels.make_dig_montage(placed, coord_frame="head")


def _scalp_electrodes(raw: mne.io.BaseRaw) -> list[str]:
    return [
        name
        for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
        if kind == "eeg" and channel_kind(name) in ("eeg", "unknown")
    ]


def _without_site_name(electrodes: Sequence[str], montage: str) -> list[str]:
    """List the electrodes with names of a dense net, or unknown names."""
    own = set(net_names(electrodes))
    if montage != RECORDED:
        # A part of a net may hold names of sites only: A1, A2, C1.
        own_keys = {_key(name) for name in net_names(_of_montage(montage))}
        own |= {name for name in electrodes if _key(name) in own_keys}
    return [n for n in electrodes if n in own or channel_kind(n) == "unknown"]


def _places(
    raw: mne.io.BaseRaw, montage: str, what: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Positions by name in the file, and those that the head is fitted to."""
    if montage == RECORDED:
        places = _recorded(raw)
        if not places:
            raise ChannelNameError(
                f"{what}: the file holds no positions of electrodes. Name the montage of "
                'the net (montage="biosemi128"), or add them (Raw.set_montage).'
            )
        return places, np.array(list(places.values()))
    of_montage = _of_montage(montage)
    return _matched(raw, of_montage), np.array(list(of_montage.values()))


def _recorded(raw: mne.io.BaseRaw) -> dict[str, np.ndarray]:
    places = {
        name: raw.info["chs"][raw.ch_names.index(name)]["loc"][:3]
        for name in _scalp_electrodes(raw)
    }
    return {name: p for name, p in places.items() if np.isfinite(p).all() and p.any()}


@cache
def _of_montage(montage: str) -> dict[str, np.ndarray]:
    """Positions of a montage of MNE in head coordinates."""
    known = mne.channels.get_builtin_montages()
    if montage not in known:
        raise ValueError(
            f"There is no montage {montage!r}. Expected {RECORDED!r} (the positions in the "
            f"file) or one of MNE's: {', '.join(known)}."
        )
    standard = mne.channels.make_standard_montage(montage)
    info = mne.create_info(standard.ch_names, 1.0, "eeg", verbose="error")
    info.set_montage(standard, verbose="error")
    return {channel["ch_name"]: channel["loc"][:3] for channel in info["chs"]}


def _matched(
    raw: mne.io.BaseRaw, of_montage: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Find the electrodes of a recording in a montage, however they are written."""
    by_key = {_key(name): place for name, place in of_montage.items()}
    found = {}
    for name in _scalp_electrodes(raw):
        key = _key(name)
        candidates = [key, f"E{key}", _key(normalize_channel_name(name))]
        if key in _EGI_VERTEX:
            candidates.append("CZ")
        place = next((by_key[k] for k in candidates if k in by_key), None)
        if place is not None:
            found[name] = place
    return found


def _key(name: str) -> str:
    """``E001``, ``e1`` and ``EEG E1`` are one name."""
    stripped = strip_decoration(name).upper().replace(" ", "")
    return re.sub(r"(?<!\d)0+(?=\d)", "", stripped)


def _directions(
    places: Mapping[str, np.ndarray], around: np.ndarray, what: str
) -> dict[str, np.ndarray]:
    """Compute unit vectors from the centre of a sphere fitted to the head."""
    above = around[around[:, 2] > 0]
    if len(above) < _FEWEST_POSITIONS:
        raise ChannelNameError(
            f"{what}: {len(above)} electrodes have positions above the ears, at least "
            f"{_FEWEST_POSITIONS} are needed to name electrodes by their positions."
        )
    # |p - c|^2 = r^2 is linear in c and r^2 - |c|^2.
    terms = np.column_stack([2 * above, np.ones(len(above))])
    centre = np.linalg.lstsq(terms, (above**2).sum(axis=1), rcond=None)[0][:3]
    vectors = {name: place - centre for name, place in places.items()}
    return {name: vector / np.linalg.norm(vector) for name, vector in vectors.items()}


@cache
def _template() -> dict[str, np.ndarray]:
    places = _of_montage(_TEMPLATE)
    return _directions(places, np.array(list(places.values())), _TEMPLATE)


@cache
def _preferred() -> frozenset[str]:
    from braindecode.models.labram import LABRAM_CHANNEL_ORDER

    return frozenset(normalize_channel_name(name) for name in LABRAM_CHANNEL_ORDER)


def _assign(
    directions: Mapping[str, np.ndarray], taken: Iterable[str], max_distance_mm: float
) -> list[tuple[str, str, float]]:
    """Pair electrodes with free sites: those that LaBraM knows first, then by distance."""
    sites = {name: d for name, d in _template().items() if name not in set(taken)}
    if not directions or not sites:
        return []
    cosines = np.array(list(directions.values())) @ np.array(list(sites.values())).T
    distances = _RADIUS_MM * np.arccos(np.clip(cosines, -1.0, 1.0))
    electrodes, names = list(directions), list(sites)
    pairs = sorted(
        (names[j] not in _preferred(), distances[i, j], i, j)
        for i, j in np.argwhere(distances <= max_distance_mm)
    )
    found: dict[int, tuple[str, float]] = {}
    given: set[int] = set()
    for _, distance, i, j in pairs:
        if i not in found and j not in given:
            found[i] = names[j], float(distance)
            given.add(j)
    return [(electrodes[i], *found[i]) for i in sorted(found)]


def _report(
    table: pd.DataFrame,
    to_name: Sequence[str],
    lost: Sequence[str],
    montage: str,
    max_distance_mm: float,
    what: str,
) -> None:
    if table["site"].isna().all():
        raise ChannelNameError(
            f"{what}: none of {len(to_name)} electrodes is within {max_distance_mm:g} mm "
            f"of a site of the 10-05 system by the positions of {montage!r}. Are they in "
            "another coordinate frame than MNE's head coordinates?"
        )
    named = table[table["distance_mm"].notna()].sort_values("distance_mm")
    left_out = [name for name in to_name if name not in named.index]
    how = ""
    if len(named):
        how = (
            f", {named['distance_mm'].median():.1f} mm from their sites (median; at most "
            f"{named['distance_mm'].iloc[-1]:.1f} mm, {named.index[-1]} as "
            f"{named['site'].iloc[-1]})"
        )
    logger.log(
        logging.WARNING if len(left_out) > len(named) else logging.INFO,
        "%s: %d of %d electrodes named by their positions (%s)%s; %d left out for having "
        "no free site within %g mm: %s",
        what,
        len(named),
        len(to_name),
        montage,
        how,
        len(left_out),
        max_distance_mm,
        ", ".join(left_out) or "none",
    )
    if lost:
        logger.warning("%s: no position in the file for %s", what, ", ".join(lost))
    pairs = ", ".join(f"{name} as {site}" for name, site in named["site"].items())
    logger.debug("%s: %s", what, pairs)
