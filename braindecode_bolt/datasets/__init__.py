"""Where recordings come from."""

import lazy_loader

# Names are imported when they are first used; they are listed in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
