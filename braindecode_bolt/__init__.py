"""Predict the BOLD signal of brain regions from scalp EEG."""

import lazy_loader

from ._registration import register_with_braindecode
from ._version import __version__

# Names are imported when they are first used; they are listed in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]

register_with_braindecode()
