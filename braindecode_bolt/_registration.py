"""Making our models known to braindecode, without importing it before it is needed."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType

_THEIRS = "braindecode.models"
_OURS = f"{__package__}.models"
#: What MNE 1.13 says when braindecode 1.8 is imported.
_DEPRECATED = r"Montage name 'standard_\d+' is deprecated"


def register_with_braindecode() -> None:
    """Register our models now, or as soon as braindecode's models are imported.

    Importing ``braindecode_bolt.models`` registers them. braindecode has no entry points
    for models of other packages, and importing it takes seconds, so that it is not
    imported here.
    """
    if _THEIRS in sys.modules:
        importlib.import_module(_OURS)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds braindecode's models as usual, and adds ours once they are imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _THEIRS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """Loads a module with its own loader, then imports our models."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # What asks a module for its loader later gets the real one.
        module.__loader__ = module.__spec__.loader = self._loader
        with warnings.catch_warnings():
            # See setup.cfg; users can do nothing about it.
            warnings.filterwarnings("ignore", _DEPRECATED, FutureWarning)
            self._loader.exec_module(module)
        # If our models are what imported braindecode, they are on their way already.
        if _OURS not in sys.modules:
            importlib.import_module(_OURS)
