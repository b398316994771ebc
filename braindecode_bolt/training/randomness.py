"""Random numbers of a fit, without touching the global generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from sklearn.utils import check_random_state


@contextmanager
def seeded(
    random_state: int | np.random.RandomState | None, device: str | None
) -> Iterator[int | None]:
    """Seed torch's generators, and restore them afterwards.

    Parameters
    ----------
    random_state : int | RandomState | None
        None uses and advances the global generators.
    device : str | None
        Device on which random numbers are drawn, besides the CPU.

    Yields
    ------
    int | None
        The seed.
    """
    if random_state is None:
        yield None
        return
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    device = torch.device(device or "cpu")
    accelerated = device.type != "cpu"
    with torch.random.fork_rng(
        devices=[device] if accelerated else [],
        device_type=device.type if accelerated else "cuda",
    ):
        torch.default_generator.manual_seed(seed)
        if accelerated:
            torch.get_device_module(device).manual_seed(seed)
        yield seed
