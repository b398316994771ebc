"""Kinds of coupling between EEG and BOLD, by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["COUPLINGS", "Coupling", "described", "named_in", "parse_coupling"]

#: How a recording says what its simulated BOLD follows, in the description that MNE
#: keeps with it.
_SAID = "BOLD simulated, coupling {}"

#: What BOLD can follow, and what can differ between persons, by name. ``simulate_bold``
#: describes each and names its sources.
COUPLINGS = {
    "band-power": "the amplitudes of theta, alpha and beta (default)",
    "bursts": "the rate of theta and alpha bursts and of spindles, not their amplitude",
    "cross-frequency": "how closely fast amplitude is locked to the phase of a slow rhythm",
    "alpha-frequency": "the momentary peak frequency of alpha",
    "vigilance": "a slow state in which alpha and theta change together",
    "person-responses": "band power, with each person's own haemodynamic response",
    "person-electrodes": "band power at electrodes that differ between persons",
    "mixture": "all of the above at once, in equal shares",
    "perturbed": "band power with other bands, electrodes, responses and noise",
}
#: Phenomena of the EEG that drive BOLD.
PHENOMENA = ("band-power", "bursts", "cross-frequency", "alpha-frequency", "vigilance")
#: What a function of the user measures.
OWN = "own"
_PERSONAL = ("person-responses", "person-electrodes")


@dataclass(frozen=True)
class Coupling:
    """What drives BOLD, and what differs between persons.

    Attributes
    ----------
    phenomena : tuple of str
        Of ``PHENOMENA``; each has the same share in the variance of the coupled BOLD.
    own_responses : bool
        Whether haemodynamic responses differ between persons.
    own_electrodes : bool
        Whether the places on the scalp differ between persons.
    perturbed : bool
        Whether bands, places, weights, responses and noise are those of the other
        simulator.
    measure : callable | None
        A function of the user that measures what BOLD follows.
    """

    phenomena: tuple[str, ...]
    own_responses: bool = False
    own_electrodes: bool = False
    perturbed: bool = False
    measure: Callable[[Any], Any] | None = None


def parse_coupling(name: str | Callable[[Any], Any]) -> Coupling:
    """Read the name of a coupling.

    Parameters
    ----------
    name : str | callable
        A name of ``COUPLINGS``, or several joined by ``+``, such as
        ``"bursts+vigilance"`` or ``"cross-frequency+person-electrodes"``; or a function
        that measures what BOLD follows.

    Returns
    -------
    Coupling

    Raises
    ------
    ValueError
        If there is none of this name, or it cannot be combined.
    """
    if callable(name):
        return Coupling((OWN,), measure=name)
    names = str(name).split("+")
    unknown = [part for part in names if part not in COUPLINGS]
    if unknown:
        raise ValueError(
            f"There is no coupling {unknown[0]!r}. Choose from {', '.join(COUPLINGS)}; "
            "join several by +, such as 'bursts+vigilance'."
        )
    alone = [part for part in names if part in ("mixture", "perturbed")]
    if len(set(names)) < len(names) or (alone and len(names) > 1):
        raise ValueError(
            f"The coupling {name!r} cannot be simulated: mixture and perturbed stand "
            "alone, and others are named once."
        )
    if alone == ["mixture"]:
        names = [*PHENOMENA, *_PERSONAL]
    return Coupling(
        tuple(part for part in PHENOMENA if part in names) or ("band-power",),
        "person-responses" in names,
        "person-electrodes" in names,
        alone == ["perturbed"],
    )


def described(description: str | None, coupling: str | Callable[[Any], Any]) -> str:
    """Add a coupling to the description of a recording.

    Parameters
    ----------
    description : str | None
        What ``raw.info["description"]`` says.
    coupling : str | callable
        What :func:`parse_coupling` reads.

    Returns
    -------
    str
        Without the coupling of an earlier simulation.
    """
    before = re.sub(rf"(; )?{_SAID.format('[^;]*')}", "", description or "")
    if callable(coupling):
        function = getattr(coupling, "__name__", type(coupling).__name__)
        coupling = f"of the function {re.sub(r'[^A-Za-z0-9_]', '', function)}"
    return "; ".join(filter(None, [before, _SAID.format(coupling)]))


def named_in(description: str | None) -> str | None:
    """Find the coupling in the description of a recording.

    Parameters
    ----------
    description : str | None
        What ``raw.info["description"]`` says.

    Returns
    -------
    str | None
        Its name; None if there is none, or it is not one of :func:`parse_coupling`.
    """
    found = re.search(_SAID.format(r"([\w+-]+)"), description or "")
    try:
        return found and parse_coupling(found[1]) and found[1]
    except ValueError:  # Files are not to be trusted.
        return None
