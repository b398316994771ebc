"""Encoders: from windows to the features of a window, by the name of a model."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from braindecode.models.util import _get_model_class
from torch import nn

from .. import _catalogue
from ..eeg.channels import ChannelNameError
from ._positions import positioned
from ._saving import check_classes
from ._theirs import build_theirs, entry_of, in_words
from ._weight_files import CheckpointError, find_config, read_config, weight_names

__all__ = ["TheirEncoder", "find_encoder"]

logger = logging.getLogger(__name__)

#: Microvolts that are 1 for an encoder that wants standardised EEG.
_STANDARD = 20.0
#: REVE's input is clipped at so many units.
_CLIP = 15.0


def find_encoder(name: str) -> type[nn.Module]:
    """Find the model of braindecode of an encoder's name.

    Parameters
    ----------
    name : str
        Such as ``"REVE"``, in any case.

    Returns
    -------
    type of nn.Module
        Its class.

    Raises
    ------
    ValueError
        If there is none, or it cannot be an encoder.
    """
    found = _catalogue.find(str(name))
    if found is None or found[0] not in _catalogue.BRAINDECODE:
        foundation = [
            known
            for known, entry in _catalogue.BRAINDECODE.items()
            if entry.kind == "foundation model" and not entry.cannot
        ]
        raise ValueError(
            f"encoder must be 'LaBraM' or a model of braindecode such as "
            f"{', '.join(foundation)}; got {name!r}."
        )
    known, entry = found
    if entry.cannot or entry.dense:
        raise ValueError(f"{known} cannot be an encoder: {entry.cannot or entry.kind}.")
    return _get_model_class(known)


class TheirEncoder(nn.Module):
    """A model of braindecode without its last layer, and pooling over its tokens.

    Parameters
    ----------
    name : str
        The model.
    signal : dict
        ``n_chans``, ``chs_info``, ``n_times`` and ``sfreq``.
    dim : int
        Features of a window.
    pooling : {"mean", "attention"}
        Mean over the tokens, or attention of one learned query.
    arguments : Mapping
        Further arguments of the model.
    weights : str | None
        Folder of ``save_pretrained`` or repository on the Hugging Face Hub.
    """

    def __init__(
        self,
        name: str,
        signal: dict[str, Any],
        dim: int,
        pooling: str,
        arguments: Mapping[str, Any],
        weights: str | None = None,
    ):
        super().__init__()
        kind = find_encoder(name)
        entry = entry_of(kind)
        self.model = build_theirs(kind, {"n_outputs": 1, **signal}, dict(arguments))
        accepted = inspect.signature(self.model.forward).parameters
        self._accepts = set(accepted)
        self._factor = 100.0 / (entry.unit or _STANDARD)
        self._has_tokens = entry.kind == "foundation model"
        self._clipped = kind.__name__ == "REVE"
        self._names = [ch["ch_name"] for ch in signal.get("chs_info") or ()]
        if "pos" in self._accepts:
            places = self.model.default_pos.reshape(1, -1, 3)
            # Saved: published weights come with a table of places of their own.
            self.register_buffer("places", places.clone())
            # Filled in from `places`, which moves with the model.
            self.model.default_pos = None
        self.n_chans = signal["n_chans"]
        if not hasattr(self.model, "final_layer"):
            raise ValueError(f"{kind.__name__} has no last layer to be replaced by a head.")
        self.model.final_layer = nn.Identity()
        if weights is not None:
            published = load_theirs(self.model, kind, weights)
            if "pos" in self._accepts:
                self._place_as(published)
        width = self._width(signal["n_times"])
        self.query = self.project = None
        if pooling == "attention" and width[0]:
            self.query = nn.Parameter(torch.randn(width[1]) * width[1] ** -0.5)
        if width[1] != dim:
            self.project = nn.Linear(width[1], dim)

    def _place_as(self, published: nn.Module) -> None:
        """Take the places of the electrodes that weights were trained with."""
        lost = [
            name for name in self._names if name not in published._position_bank.mapping
        ]
        if lost:
            raise ChannelNameError(
                f"The published {type(published).__name__} has no place for "
                f"{', '.join(lost)}. Leave these channels out."
            )
        places = published.get_positions(self._names)
        self.places.copy_(places.reshape(self.places.shape))

    def _width(self, n_times: int) -> tuple[bool, int]:
        """Whether there are several tokens, and how wide they are."""
        x = torch.zeros(1, self.n_chans, n_times)
        training = self.model.training
        with torch.no_grad(), torch.random.fork_rng(devices=[]), in_words(self.model, x):
            tokens = self._tokens(x, torch.arange(self.n_chans), self.model.eval())
        self.model.train(training)
        return tokens.ndim > 2, tokens.shape[-1]

    def _tokens(
        self, x: torch.Tensor, rows: torch.Tensor, model: nn.Module
    ) -> torch.Tensor:
        x, further = x * self._factor, {}
        if self._clipped:
            x = x.clamp(-_CLIP, _CLIP)
        if "pos" in self._accepts:
            further["pos"] = self.places[:, rows].expand(x.shape[0], -1, -1)
        elif len(rows) < self.n_chans:
            raise ChannelNameError(
                f"The encoder {type(model).__name__} takes all {self.n_chans} channels "
                "that it was made for, in their order."
            )
        if "ch_names" in self._accepts:
            further["ch_names"] = self._names
        if "return_features" in self._accepts:
            output = model(x, return_features=True, **further)["features"]
        else:
            output = model(x, **further)
        # The feature maps of a convolutional network are no tokens.
        return output if self._has_tokens else output.flatten(1)

    def forward(
        self, x: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Encode windows.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in units of 100 microvolts.
        rows : LongTensor, shape (n_chans,)
            Place of each channel among those of the model.

        Returns
        -------
        features : Tensor, shape (batch, dim)
        cls_token : None
        """
        tokens = self._tokens(x, rows, self.model)
        tokens = tokens.reshape(tokens.shape[0], -1, tokens.shape[-1])
        if self.query is not None:
            scale = tokens.shape[-1] ** -0.5
            weights = (scale * (tokens @ self.query)).softmax(dim=1)
            pooled = (weights.unsqueeze(-1) * tokens).sum(dim=1)
        else:
            pooled = tokens.mean(dim=1)
        return (pooled if self.project is None else self.project(pooled)), None


def load_theirs(model: nn.Module, kind: type[nn.Module], source: str) -> nn.Module:
    """Fill a model of braindecode with weights that ``from_pretrained`` reads.

    The model is made for the user's channels and windows, the weights for others: all
    but the last layer must fit.

    Parameters
    ----------
    model : nn.Module
        It is filled.
    kind : type of nn.Module
        Its class.
    source : str
        Folder of ``save_pretrained`` or repository on the Hugging Face Hub.

    Returns
    -------
    nn.Module
        The model as it was published.

    Raises
    ------
    CheckpointError
        If weights are missing or of another shape. Nothing is loaded then.
    """
    # braindecode imports whatever a configuration names.
    check_classes(kind, read_config(find_config(str(source))))
    published = kind.from_pretrained(str(source))
    saved = published.state_dict()
    wanted = {
        name: weights
        for name, weights in model.state_dict().items()
        if not name.startswith("final_layer")
    }
    missing = sorted(set(wanted) - set(saved))
    wrong = [
        f"{name} is {tuple(saved[name].shape)}, expected {tuple(weights.shape)}"
        for name, weights in wanted.items()
        if name in saved and saved[name].shape != weights.shape
    ]
    if missing or wrong:
        what = [f"missing: {weight_names(missing)}"] if missing else []
        what += [f"of another shape: {weight_names(wrong)}"] if wrong else []
        raise CheckpointError(
            f"The weights of {source} do not fit the encoder {kind.__name__}; nothing was "
            f"loaded ({'; '.join(what)}). Give encoder_args as the weights have them, and "
            "the channels, rate and length that the model insists on."
        )
    model.load_state_dict({name: saved[name] for name in wanted}, strict=False)
    logger.info("%d arrays of %s loaded from %s", len(wanted), kind.__name__, source)
    return published


def encoder_signal(
    chs_info: Sequence[dict] | None, names: Sequence[str], n_times: int, sfreq: float
) -> dict[str, Any]:
    """Describe windows as a model of braindecode wants it."""
    channels = positioned(chs_info or [{"ch_name": name} for name in names])
    return {
        "n_chans": len(channels),
        "chs_info": channels,
        "n_times": n_times,
        "sfreq": sfreq,
    }
