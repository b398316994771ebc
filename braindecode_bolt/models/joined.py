"""Several models of one region each, as one model of all of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from ..eeg.channels import same_names

__all__ = ["JoinedRegions"]


class JoinedRegions(nn.Module):
    """Predict several regions, each by the model that was trained for it.

    The published weights are one network per region. Joined they predict all
    regions at once, at the cost of all the networks; one model trained with
    ``n_outputs`` regions costs about as much as one for a single region.

    Used through the regressor without a fit::

        joined = JoinedRegions({"Cuneus": cuneus, "Putamen": putamen})
        regressor = EEGRegressor(joined).initialize()
        regressor.predict(windows.X)

    Parameters
    ----------
    models : mapping of str to nn.Module | sequence of nn.Module
        Models of the same channels and window length, by the name of their
        region (or regions); they are not copied.

    Attributes
    ----------
    roi_names : list of str
        Names of the models, as often as a model has outputs.
    n_outputs : int
        Outputs of all models together.
    n_chans : int
        Channels of each.
    n_times : int
        Samples of a window of each.

    Raises
    ------
    ValueError
        If there is no model, or they differ in channels or window length.
    """

    def __init__(self, models: Mapping[str, nn.Module] | Sequence[nn.Module]):
        super().__init__()
        if not isinstance(models, Mapping):
            models = {str(number): model for number, model in enumerate(models)}
        if not models:
            raise ValueError("There are no models to join.")
        first = next(iter(models.values()))
        for name, model in models.items():
            for what in ("n_chans", "n_times"):
                ours, theirs = getattr(model, what), getattr(first, what)
                if ours != theirs:
                    raise ValueError(
                        f"The models differ in {what}: that of {name} has {ours}, the "
                        f"first {theirs}."
                    )
            if not same_names(model.ch_names, first.ch_names):
                raise ValueError(
                    f"The models differ in their channels: that of {name} was made for "
                    f"{', '.join(model.ch_names)}, the first for "
                    f"{', '.join(first.ch_names)}."
                )
        self.models = nn.ModuleList(models.values())
        self.ch_names = list(first.ch_names)
        self.n_chans, self.n_times = first.n_chans, first.n_times
        self.n_outputs = sum(model.n_outputs for model in models.values())
        self.roi_names = [n for n, m in models.items() for _ in range(m.n_outputs)]

    def forward(
        self, x: torch.Tensor, *, ch_names: Sequence[str] | None = None
    ) -> torch.Tensor:
        """Predict all regions.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        ch_names : sequence of str | None
            Names of the channels of `x`, for models that take them.

        Returns
        -------
        Tensor, shape (batch, n_outputs)
            In the order of ``roi_names``.

        Raises
        ------
        ValueError
            If `x` has another number of channels or samples than the models.
        """
        return torch.cat([_call(model, x, ch_names) for model in self.models], dim=1)


def _call(
    model: nn.Module, x: torch.Tensor, ch_names: Sequence[str] | None
) -> torch.Tensor:
    if "ch_names" in inspect.signature(model.forward).parameters:
        return model(x, ch_names=ch_names)
    return model(x)
