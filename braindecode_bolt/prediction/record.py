"""Where a predictor was trained."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..windows.create import BOLDWindows

if TYPE_CHECKING:
    from .predictor import BOLDPredictor

__all__ = ["training_record", "versions"]

#: Packages whose versions matter for the numbers.
_PACKAGES = ("braindecode", "torch", "skorch", "mne", "scikit-learn", "scipy", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that predictions depend on."""
    found = {"python": platform.python_version(), "braindecode-bolt": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def training_record(predictor: BOLDPredictor, windows: BOLDWindows) -> dict[str, Any]:
    """Describe the training data in numbers; no label of a person is in it.

    Returns
    -------
    dict
        JSON-able.
    """
    table = windows.metadata
    seconds = sum(signal.shape[1] for signal in windows.X.signals) / windows.sfreq
    return {
        "recordings": int(table["recording"].nunique()),
        "subjects": int(table["subject"].astype(str).nunique()),
        "tasks": sorted({str(task) for task in table["task"].dropna()}),
        "sites": sorted({str(site) for site in table["site"].dropna()}),
        "windows": len(windows),
        "eeg_minutes": round(seconds / 60, 1),
        "simulated": windows.noiseless is not None,
        "versions": versions(),
    }
