"""Heads: from the features of a window to the BOLD of its last volumes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["HEADS", "FlowHead", "GaussianHead", "PointHead", "beta_nll"]

#: Least standard deviation that a head can predict, in units of the targets.
_LEAST = 0.05


def beta_nll(
    mean: torch.Tensor, spread: torch.Tensor, target: torch.Tensor, beta: float
) -> torch.Tensor:
    """Gaussian negative log-likelihood, weighted by a power of the variance.

    Seitzer et al. (2022): with ``beta=0`` windows whose spread is large hardly teach
    the mean; with 1 the mean is taught as by the squared error.

    Parameters
    ----------
    mean, spread, target : Tensor
        Of one shape; `spread` is the standard deviation.
    beta : float
        The power.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    error = 0.5 * ((target - mean) / spread).square() + spread.log()
    return spread.detach().pow(2 * beta) * error


class Head(nn.Module):
    """What all heads have.

    Parameters
    ----------
    dim : int
        Number of features.
    n_outputs : int
        Regions.
    n_volumes : int
        Volumes, the last of which is that of the window.
    """

    #: Whether the head knows how far its prediction may be off.
    has_spread = False
    #: Whether draws differ in more than their spread.
    has_draws = False

    def __init__(self, dim: int, n_outputs: int, n_volumes: int):
        super().__init__()
        self.in_features, self.n_outputs, self.n_volumes = dim, n_outputs, n_volumes

    def _blocks(self, flat: torch.Tensor) -> torch.Tensor:
        return flat.unflatten(-1, (self.n_volumes, self.n_outputs))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Predict the last volume, (batch, dim) -> (batch, n_outputs)."""
        return self.point(z)[:, -1]

    def point(self, z: torch.Tensor) -> torch.Tensor:
        """Predict all volumes, (batch, dim) -> (batch, n_volumes, n_outputs)."""
        raise NotImplementedError

    def loss(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Parameters
        ----------
        z : Tensor, shape (batch, dim)
            Features.
        target : Tensor, shape (batch, n_volumes, n_outputs)
            BOLD; NaN where a volume is not known.

        Returns
        -------
        Tensor, shape ()
        """
        raise NotImplementedError


def _mean_known(error: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    return (error * known).sum() / known.sum().clamp(min=1)


def _filled(
    target: torch.Tensor, stand_in: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    known = ~target.isnan()
    return torch.where(known, target, stand_in.detach()), known


class PointHead(Head):
    """One linear layer, trained by the squared error."""

    def __init__(self, dim: int, n_outputs: int, n_volumes: int):
        super().__init__(dim, n_outputs, n_volumes)
        self.mean = nn.Linear(dim, n_volumes * n_outputs)
        nn.init.trunc_normal_(self.mean.weight, std=0.02)
        nn.init.zeros_(self.mean.bias)

    def point(self, z: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self._blocks(self.mean(z))

    def loss(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: D102
        predicted = self.point(z)
        filled, known = _filled(target, predicted)
        return _mean_known((predicted - filled).square(), known)


class GaussianHead(Head):
    """A mean and a standard deviation of each volume and region.

    Parameters
    ----------
    dim, n_outputs, n_volumes : int
        As in :class:`Head`.
    spread : float, default 1.0
        Standard deviation before training.
    beta : float, default 0.5
        As in :func:`beta_nll`.
    hidden : sequence of int, default ()
        Widths of layers before the two outputs.
    drop_prob : float, default 0.1
        Dropout after each of them.
    """

    has_spread = True

    def __init__(
        self,
        dim: int,
        n_outputs: int,
        n_volumes: int,
        spread: float = 1.0,
        beta: float = 0.5,
        hidden: tuple[int, ...] = (),
        drop_prob: float = 0.1,
    ):
        super().__init__(dim, n_outputs, n_volumes)
        self.beta = beta
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(dim, width), nn.GELU(), nn.Dropout(drop_prob)]
            dim = width
        self.trunk = nn.Sequential(*layers)
        self.mean = nn.Linear(dim, n_volumes * n_outputs)
        self.log_spread = nn.Linear(dim, n_volumes * n_outputs)
        nn.init.trunc_normal_(self.mean.weight, std=0.02)
        nn.init.zeros_(self.mean.bias)
        nn.init.zeros_(self.log_spread.weight)
        # The inverse of softplus.
        nn.init.constant_(self.log_spread.bias, math.log(math.expm1(spread - _LEAST)))

    def distribution(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation, each of shape (batch, n_volumes, n_outputs)."""
        hidden = self.trunk(z)
        spread = F.softplus(self.log_spread(hidden)) + _LEAST
        return self._blocks(self.mean(hidden)), self._blocks(spread)

    def point(self, z: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self.distribution(z)[0]

    def loss(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: D102
        mean, spread = self.distribution(z)
        filled, known = _filled(target, mean)
        return _mean_known(beta_nll(mean, spread, filled, self.beta), known)

    def draw(self, z: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Turn noise into draws.

        Parameters
        ----------
        z : Tensor, shape (batch, dim)
            Features.
        noise : Tensor, shape (batch, n_volumes, n_outputs)
            Normal.

        Returns
        -------
        Tensor, shape (batch, n_volumes, n_outputs)
        """
        mean, spread = self.distribution(z)
        return mean + spread * noise


class ConditionedBlock(nn.Module):
    """A residual block whose shift, scale and gate follow from a condition.

    It begins as the identity (Peebles & Xie 2023, "adaLN-Zero").

    Parameters
    ----------
    dim : int
        Width, of the condition too.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.modulation = nn.Linear(dim, 3 * dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        )
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(batch, dim), (batch, dim) -> (batch, dim)."""
        shift, scale, gate = self.modulation(F.silu(condition)).chunk(3, dim=-1)
        return x + gate * self.mlp(self.norm(x) * (1 + scale) + shift)


class Velocity(nn.Module):
    """How a sample moves at a time, given the features of the window.

    Parameters
    ----------
    dim : int
        Number of features.
    n_values : int
        Numbers of a sample.
    width : int
        Width of the network.
    depth : int
        Residual blocks.
    n_time : int, default 64
        Sines and cosines of the time.
    """

    def __init__(self, dim: int, n_values: int, width: int, depth: int, n_time: int = 64):
        super().__init__()
        self.project = nn.Linear(n_values, width)
        self.of_time = nn.Sequential(
            nn.Linear(n_time, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.of_features = nn.Sequential(
            nn.Linear(dim, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.blocks = nn.ModuleList(ConditionedBlock(width) for _ in range(depth))
        self.out = nn.Linear(width, n_values)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        rates = 1e3 * torch.exp(torch.linspace(0, -math.log(1e4), n_time // 2))
        self.register_buffer("rates", rates, persistent=False)

    def forward(self, x: torch.Tensor, t: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """(batch, n_values), (batch, 1), (batch, dim) -> (batch, n_values)."""
        phase = t * self.rates
        time = self.of_time(torch.cat([phase.sin(), phase.cos()], dim=-1))
        condition, x = time + self.of_features(z), self.project(x)
        for block in self.blocks:
            x = block(x, condition)
        return self.out(x)


class FlowHead(Head):
    """A source distribution, and a flow from it to the BOLD (conditional flow matching).

    Parameters
    ----------
    dim, n_outputs, n_volumes : int
        As in :class:`Head`.
    width, depth : int
        Of the velocity network.
    n_steps : int, default 50
        Euler steps from source to BOLD.
    drop_prob : float, default 0.1
        Dropout in the source.
    """

    has_spread = has_draws = True

    def __init__(
        self,
        dim: int,
        n_outputs: int,
        n_volumes: int,
        width: int = 512,
        depth: int = 4,
        n_steps: int = 50,
        drop_prob: float = 0.1,
    ):
        super().__init__(dim, n_outputs, n_volumes)
        self.n_steps = n_steps
        # 256 and 128 for the published 512.
        hidden = (max(dim // 2, 64), max(dim // 4, 64))
        self.source = GaussianHead(dim, n_outputs, n_volumes, 0.2, 0.5, hidden, drop_prob)
        self.velocity = Velocity(dim, n_volumes * n_outputs, width, depth)

    def point(self, z: torch.Tensor) -> torch.Tensor:
        """Follow the flow from the mean of the source."""
        return self._flow(self.source.point(z), z)

    def draw(self, z: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Follow the flow from draws of the source; as in :class:`GaussianHead`."""
        return self._flow(self.source.draw(z, noise), z)

    def _noise(self) -> AbstractContextManager[None]:
        """Use the same noise at each validation, so that epochs can be compared."""
        if self.training:
            return nullcontext()
        return _same_noise()

    def _flow(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        for step in range(self.n_steps):
            t = torch.full_like(x[:, :1], step / self.n_steps)
            x = x + self.velocity(x, t, z) / self.n_steps
        return self._blocks(x)

    def loss(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: D102
        mean, spread = self.source.distribution(z)
        filled, known = _filled(target, mean)
        source = _mean_known(beta_nll(mean, spread, filled, self.source.beta), known)
        # The source learns from its likelihood alone: the flow would shrink its spread.
        with self._noise():
            noise, t = torch.randn_like(spread), torch.rand_like(z[:, :1])
        start = (mean + spread * noise).detach()
        between = torch.lerp(start.flatten(1), filled.flatten(1), t)
        moved = self._blocks(self.velocity(between, t, z))
        return source + _mean_known((moved - (filled - start)).square(), known)


@contextmanager
def _same_noise() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


#: Heads by name.
HEADS = {"point": PointHead, "gaussian": GaussianHead, "flow": FlowHead}
