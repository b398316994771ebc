"""How many threads linear algebra may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

__all__ = ["few_threads"]

#: Up to this side of the largest matrix one thread is about as fast as several when
#: they are free, and many times faster when they are not (benchmarks/threads.py).
_SMALL = 2000


@contextmanager
def few_threads(side: int = 0) -> Iterator[None]:
    """Let one thread multiply and decompose matrices, unless they are large.

    Threads of BLAS wait for each other at every step of a decomposition. If another
    process has a core for a moment, all of them wait, and a small fit takes many times
    longer. With one thread, results do not depend on the number of cores, either.

    Parameters
    ----------
    side : int
        Rows of the largest square matrix. Default 0: small. Beyond 2000, threads are left
        as they are.
    """
    if side > _SMALL:
        yield
        return
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        yield
