"""Methods that a class page lists: those of this package, also from its base classes."""

import functools
import importlib
import inspect


def own_methods(module: str, name: str) -> list[str]:
    """List the public methods of a class that this package defines and documents.

    Not those of skorch, torch or scikit-learn, nor the ``set_..._request`` methods that
    scikit-learn makes.
    """
    cls = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    found = {}
    for each in cls.__mro__:
        for key, member in vars(each).items():
            found.setdefault(key, (each, getattr(member, "__func__", member)))
    return sorted(
        key
        for key, (owner, member) in found.items()
        if not key.startswith("_")
        and not key.endswith("_request")
        and owner.__module__.startswith("braindecode_bolt")
        and inspect.isfunction(member)
        and member.__doc__
    )
