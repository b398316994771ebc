"""What BOLDNet and BOLDFlow share: an encoder, a spectral branch and a head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ._base import ByChannelName
from ._checks import check_choice, check_counts, check_divisors, check_positive
from ._encoders import TheirEncoder, encoder_signal
from ._heads import HEADS, Head
from ._montage import Montage
from ._spatiotemporal import PATCH, SpatiotemporalEncoder, check_window
from ._spectral import BASE, SpectralEncoder
from ._weight_names import translate_neurobolt
from .checkpoints import load_published_weights

__all__ = ["EncoderHead"]

#: Defaults of the LaBraM encoder, as in NeuroBOLT.
_LABRAM_SIZES = {
    "num_layers": 12,
    "num_heads": 10,
    "drop_path_prob": 0.1,
    "embedding_std": 0.02,
}


class EncoderHead(ByChannelName):
    """What BOLDNet and BOLDFlow share: an encoder, a spectral branch and a head."""

    NEEDS_CHANNEL_NAMES = True

    @property
    def _LABRAM(self) -> str | None:
        return "spatiotemporal" if self.spatiotemporal is not None else None

    @property
    def has_own_loss(self) -> bool:
        """Whether EEGRegressor trains with the loss of the head, not its criterion."""
        return self.n_volumes > 1 or self.final_layer.has_spread

    def _build(
        self,
        encoder: str | None,
        encoder_args: Mapping[str, Any] | None,
        encoder_weights: str | None,
        spectral: bool,
        embed_dim: int,
        pooling: str,
        spectral_sizes: tuple[int, int, int, bool],
        head: str,
        head_args: Mapping[str, Any] | None,
        n_volumes: int,
        drop_prob: float,
        spectral_drop_prob: float,
        input_scale: float,
        activation: type[nn.Module],
    ) -> None:
        """Build all parts; signal parameters are set already."""
        n_scales, depth, num_heads, mix_windows = spectral_sizes
        check_choice("head", head, tuple(HEADS))
        check_choice("pooling", pooling, ("mean", "attention"))
        check_counts(embed_dim=embed_dim, n_volumes=n_volumes)
        check_positive(input_scale=input_scale)
        if encoder is None and not spectral:
            raise ValueError("Choose an encoder, spectral=True, or both.")
        if spectral:
            check_counts(n_scales=n_scales, spectral_depth=depth)
            check_window(
                type(self).__name__, self.n_times, self._sfreq, BASE * 2 ** (n_scales - 1)
            )
            check_divisors(embed_dim, spectral_num_heads=num_heads)
        self.input_scale, self.n_volumes = input_scale, n_volumes
        self.spatiotemporal = self.encoder = self.spectral = None
        arguments = dict(encoder_args or {})
        if encoder is not None and str(encoder).lower() == "labram":
            self._add_labram(arguments, embed_dim, drop_prob, activation)
        else:
            self._use_channels(range(self.n_chans))
            if encoder is not None:
                signal = encoder_signal(
                    self._chs_info, self.ch_names, self.n_times, self._sfreq
                )
                self.encoder = TheirEncoder(
                    encoder, signal, embed_dim, pooling, arguments, encoder_weights
                )
        if spectral:
            self.spectral = SpectralEncoder(
                len(self.inputs),
                self.n_times,
                n_scales,
                depth,
                num_heads,
                embed_dim,
                drop_prob,
                spectral_drop_prob,
                activation,
                mix=mix_windows,
            )
            _initialise_linear(self.spectral)
        self._head = (head, dict(head_args or {}))
        self._finish(embed_dim, activation)
        if self.spatiotemporal is not None and encoder_weights is not None:
            load_published_weights(self, encoder_weights, new_head=True)

    def _add_labram(
        self,
        arguments: dict[str, Any],
        embed_dim: int,
        drop_prob: float,
        activation: type[nn.Module],
    ) -> None:
        """Add the encoder of NeuroBOLT."""
        unknown = set(arguments) - {*_LABRAM_SIZES, "unknown_channels"}
        if unknown:
            raise ValueError(
                f"The LaBraM encoder has no argument {', '.join(sorted(unknown))}; it has "
                f"{', '.join(_LABRAM_SIZES)}, unknown_channels."
            )
        sizes = {**_LABRAM_SIZES, **arguments}
        check_window(type(self).__name__, self.n_times, self._sfreq, PATCH)
        check_divisors(embed_dim, num_heads=sizes["num_heads"])
        check_counts(num_layers=sizes["num_layers"])
        montage = Montage.of(
            self.ch_names, self._chs_info, sizes.get("unknown_channels", "raise")
        )
        self._use_channels(montage.inputs, montage.rows)
        self.spatiotemporal = SpatiotemporalEncoder(
            self.n_times // PATCH,
            sizes["num_layers"],
            sizes["num_heads"],
            drop_prob,
            sizes["drop_path_prob"],
            activation,
            montage.n_fresh,
            embed_dim,
        )
        _initialise_linear(self.spatiotemporal)
        self.spatiotemporal.initialise(sizes["embedding_std"])

    def _make_head(self, n_features: int) -> Head:
        name, arguments = self._head
        return HEADS[name](n_features, self.n_outputs, self.n_volumes, **arguments)

    def _translate_weights(
        self, state: Mapping[str, torch.Tensor], ch_names: Sequence[str] | None
    ) -> tuple[dict[str, torch.Tensor], set[str]]:
        if self.spatiotemporal is None:
            return dict(state), set()
        return translate_neurobolt(self, state, ch_names)

    def _encode(
        self, x: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        pooled, cls_token = [], None
        if self.spatiotemporal is not None:
            of_patches, cls_token = self.spatiotemporal(x, self.positions[rows])
            pooled.append(of_patches)
        if self.encoder is not None:
            # The unit of 100 microvolts, whatever the input is divided by here.
            of_tokens, cls_token = self.encoder(x * (self.input_scale / 100.0), rows)
            pooled.append(of_tokens)
        if self.spectral is not None:
            pooled.append(self.spectral(x, rows))
        return sum(pooled), cls_token

    def activated(self, features: torch.Tensor) -> torch.Tensor:
        """Prepare features for the head.

        Parameters
        ----------
        features : Tensor, shape (batch, n_features)
            From ``forward(x, return_features=True)``.

        Returns
        -------
        Tensor, shape (batch, n_features)
            After the non-linearity, in full precision.
        """
        return self.head_activation(features.type_as(self._head_weight))

    def loss(self, features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss of the head.

        Parameters
        ----------
        features : Tensor, shape (batch, n_features)
            From ``forward(x, return_features=True)``.
        target : Tensor, shape (batch, n_volumes, n_outputs)
            BOLD of the last volumes; NaN where it is not known.

        Returns
        -------
        Tensor, shape ()
            Mean over windows, volumes and regions that are known; of a flow head that of
            the source plus that of the flow.
        """
        return self.final_layer.loss(self.activated(features), target)

    def _save_pretrained(self, save_directory: str | Path) -> None:
        super()._save_pretrained(save_directory)
        file = Path(save_directory) / "config.json"
        config = json.loads(file.read_text())
        # The weights are in the folder.
        config["encoder_weights"] = None
        file.write_text(json.dumps(config, indent=2) + "\n")


def _initialise_linear(part: nn.Module) -> None:
    for module in part.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
