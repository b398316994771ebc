"""Weights from elsewhere: published files, other models, the Hugging Face Hub."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..channels import ChannelNameError, match_channels, normalize_channel_name
from ._montage import Montage
from ._weight_files import CheckpointError, read_weights

__all__ = ["PUBLISHED_CHANNELS", "CheckpointError", "load_published_weights"]

logger = logging.getLogger(__name__)

#: Channels of the published NeuroBOLT weights, in the order of their table.
PUBLISHED_CHANNELS = tuple(
    "FP1 FP2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 "
    "FPZ FZ CZ PZ POZ OZ FT9 FT10 TP9 TP10".split()
)
_CHANNEL_TABLE = "spectral.channel_embedding.weight"
_TEMPORAL_TABLE = "spatiotemporal.temporal_embedding"
_FRESH_TABLE = "spatiotemporal.fresh_embedding"
_HEAD = "final_layer."
# In files of LaBraM, but no part of an encoder with mean pooling.
_PRETRAINING_ONLY = re.compile(r"(norm|lm_head|head|final_layer)\.|mask_token$")
_NOTHING_LEARNED = re.compile(
    r"relative_position_index|mss_module\.index$|positional_encoding\.pe$"
)
# Names as they are in a file -> ours, in this order. The left side is of the
# published files, or of braindecode's Labram.
_RENAMED = [
    (
        r"^mss_module\.patch_embedding\.(\d+)\.projection\.",
        r"spectral.scales.\1.frequency.",
    ),
    (r"^mss_module\.ts_embedding\.(\d+)\.projection\.", r"spectral.scales.\1.window."),
    (r"^mss_module\.channel_tokens\.", "spectral.channel_embedding."),
    (
        r"^mss_module\.transformer\.layers\.layers\.(\d+)\.0\.fn\.to_([qkv])\.",
        r"spectral.blocks.\1.attn.\2.",
    ),
    (
        r"^mss_module\.transformer\.layers\.layers\.(\d+)\.0\.fn\.to_out\.",
        r"spectral.blocks.\1.attn.proj.",
    ),
    (
        r"^mss_module\.transformer\.layers\.layers\.(\d+)\.0\.norm\.",
        r"spectral.blocks.\1.norm1.",
    ),
    (
        r"^mss_module\.transformer\.layers\.layers\.(\d+)\.1\.norm\.",
        r"spectral.blocks.\1.norm2.",
    ),
    (
        r"^mss_module\.transformer\.layers\.layers\.(\d+)\.1\.fn\.fn\.w([12])\.",
        r"spectral.blocks.\1.mlp.fc\2.",
    ),
    (r"^(head|final_layer)\.", _HEAD),
    (r"^(pos_embed|position_embedding)$", "spatiotemporal.position_embedding"),
    (r"^(time_embed|temporal_embedding)$", _TEMPORAL_TABLE),
    (r"^fc_norm\.", "spatiotemporal.norm."),
    (r"^patch_embed\.(temporal_conv\.)?", "spatiotemporal.patch_embed."),
    (r"^(blocks\.\d+\.mlp\.)0\.", r"spatiotemporal.\1fc1."),
    (r"^(blocks\.\d+\.mlp\.)2\.", r"spatiotemporal.\1fc2."),
    (r"^(cls_token$|blocks\.)", r"spatiotemporal.\1"),
]


def load_published_weights(
    model: nn.Module,
    source: str | Path | Mapping[str, torch.Tensor] | nn.Module,
    ch_names: Sequence[str] | None = None,
    new_head: bool = False,
) -> nn.Module:
    """Load published weights into a NeuroBOLT, in full or not at all.

    What can be loaded, told apart by the names in it:

    - **NeuroBOLT** as published, one file per region (weights under ``model``
      beside the state of the training): all of the model.
    - **LaBraM-base** as published (names that begin with ``student.``): the
      spatiotemporal encoder. What LaBraM needs for its own pretraining only,
      its final norm among it, is left out, as it was for the publication.
    - braindecode's **Labram**, as a state dict or a model
      (``Labram.from_pretrained("braindecode/labram-pretrained")``): the
      spatiotemporal encoder, too.
    - **Our own**: a state dict, or a folder of ``save_pretrained``.

    Rows of the table of seconds are taken as far as the model's window
    reaches; rows of the spectral channel table by the names of the channels, so
    that a model may have a part of the channels of the file, in any order.

    Parameters
    ----------
    model : NeuroBOLT
        Changed in place; left as it is where something does not fit.
    source : str | Path | mapping of str to Tensor | nn.Module
        A file (``.pth``, ``.pt``, ``.bin``, ``.safetensors``), a folder of
        ``save_pretrained``, a repository on the Hugging Face Hub
        (``"owner/name"``, or ``"owner/name/path/to/file"``), a state dict, or
        a model. Files are read without executing anything in them.
    ch_names : sequence of str | None
        Channels of the weights, in order. Needed for NeuroBOLT weights only;
        by default those saved beside them, the 26 of the publication
        (:data:`PUBLISHED_CHANNELS`) for a table of 26 rows of a published
        file, and those of the model for our own.
    new_head : bool
        Leave the last layer of the model as it is, for other regions. Default
        False: a last layer that does not fit is an error.

    Returns
    -------
    nn.Module
        `model`.

    Raises
    ------
    CheckpointError
        If the source cannot be read, or names or shapes do not fit; the
        message lists what is missing, unexpected and of another shape.
    ChannelNameError
        If the weights lack channels of the model.
    FileNotFoundError
        If the source is neither a file nor a repository on the Hub.
    ImportError
        If it is on the Hub, or in safetensors format, and the package for it
        is not installed.
    """
    state, config = read_weights(source)
    loaded, encoder_only = _translate(state)
    target = model.state_dict()
    _check_settings(config, model, source)
    names = ch_names if ch_names is not None else config.get("ch_names") or None
    _pick_channels(loaded, model, names, own=not _is_published(state))
    _cut_seconds(loaded, target)
    wanted = {name for name in target if not (new_head and name.startswith(_HEAD))}
    if encoder_only:
        # LaBraM files have no norm after the pooling: it begins as identity.
        absent = {name for name in target if name.startswith("spatiotemporal.norm.")}
        wanted = {name for name in wanted if name.startswith("spatiotemporal.")}
        wanted -= absent - set(loaded)
    # Rows for electrodes that LaBraM does not know are new by their nature.
    wanted -= {_FRESH_TABLE} - set(loaded)
    if new_head:
        loaded = {k: v for k, v in loaded.items() if not k.startswith(_HEAD)}
    _check(loaded, {name: target[name] for name in wanted}, source)
    model.load_state_dict(loaded, strict=False)
    as_made = sorted({name.rsplit(".", 1)[0] for name in target if name not in loaded})
    if as_made:
        logger.info("Not in the weights, left as it is: %s", ", ".join(as_made))
    return model


def _is_published(state: Mapping[str, torch.Tensor]) -> bool:
    return any(name.startswith("mss_module.") for name in state)


def _translate(state: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], bool]:
    """Give weights our names; also whether they are of a LaBraM encoder only."""
    own = any(name.startswith(("spatiotemporal.", "spectral.")) for name in state)
    if own:
        return dict(state), False
    if any(name.startswith("student.") for name in state):
        prefix = "student."
        state = {
            k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)
        }
    encoder_only = not _is_published(state)
    translated = {}
    for name, value in state.items():
        skipped = encoder_only and _PRETRAINING_ONLY.match(name)
        if skipped or _NOTHING_LEARNED.search(name):
            continue
        for pattern, replacement in _RENAMED:
            name, n_replaced = re.subn(pattern, replacement, name)
            if n_replaced:
                break
        translated[name] = value
    for name in [name for name in translated if name.endswith(".attn.q.weight")]:
        parts = [name.replace(".q.", f".{letter}.") for letter in "qkv"]
        if all(part in translated for part in parts):
            stacked = torch.cat([translated.pop(part) for part in parts])
            translated[name.replace(".q.", ".qkv.")] = stacked
    return translated, encoder_only


def _pick_channels(
    loaded: dict[str, torch.Tensor],
    model: nn.Module,
    names: Sequence[str] | None,
    own: bool,
) -> None:
    """Take the rows of the spectral channel table that the model's channels have."""
    table = loaded.get(_CHANNEL_TABLE)
    if table is None or getattr(model, "spectral", None) is None:
        return
    if names is None and not own and len(table) == len(PUBLISHED_CHANNELS):
        names = PUBLISHED_CHANNELS
    if names is None:
        if own:
            return
        raise ChannelNameError(
            f"The weights are for {len(table)} channels that they do not name. Give "
            "load_published_weights their names, in order (ch_names=...)."
        )
    names = [normalize_channel_name(name) for name in names]
    known = [name for name in names if name not in Montage.unknown(names)]
    if len(names) != len(table) and len(known) == len(table):
        names = known  # The model did not look at the others.
    if len(names) != len(table):
        raise ChannelNameError(
            f"{len(names)} names were given for the weights' {len(table)} channels."
        )
    used = [model.ch_names[place] for place in model.inputs.tolist()]
    _pick_fresh_rows(loaded, model, Montage.unknown(names))
    rows = match_channels(used, names, "The file of weights")
    loaded[_CHANNEL_TABLE] = table[rows]
    if rows != list(range(len(table))):
        for name in [n for n in loaded if n.endswith("_mixture")]:
            loaded[name] = loaded[name][:, rows]


def _pick_fresh_rows(
    loaded: dict[str, torch.Tensor], model: nn.Module, names: list[str]
) -> None:
    """Take the rows for electrodes beyond LaBraM's table by their names, too."""
    table = loaded.get(_FRESH_TABLE)
    if table is None or len(names) != table.shape[1]:
        return
    rows = match_channels(Montage.unknown(model.ch_names), names, "The file of weights")
    loaded[_FRESH_TABLE] = table[:, rows]


def _check_settings(config: Mapping[str, Any], model: nn.Module, source: object) -> None:
    """Raise where weights were trained in a network that computes something else."""
    ours = {
        "input_scale": getattr(model, "input_scale", None),
        "nonlinear_head": getattr(model, "nonlinear_head", None),
    }
    for name, part in (("num_heads", "spatiotemporal"), ("spectral_num_heads", "spectral")):
        blocks = getattr(getattr(model, part, None), "blocks", ())
        ours[name] = blocks[0].attn.num_heads if len(blocks) else None
    wrong = [
        f"{name}={config[name]} (here {value})"
        for name, value in ours.items()
        if value is not None and name in config and config[name] != value
    ]
    if wrong:
        raise CheckpointError(
            f"The weights{_named(source)} were trained with {', '.join(wrong)}. Build the "
            "model with the same settings."
        )


def _cut_seconds(
    loaded: dict[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> None:
    table, wanted = loaded.get(_TEMPORAL_TABLE), target.get(_TEMPORAL_TABLE)
    if table is not None and wanted is not None and table.shape[1] > wanted.shape[1]:
        loaded[_TEMPORAL_TABLE] = table[:, : wanted.shape[1]]


def _check(
    loaded: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], source: object
) -> None:
    known = set(wanted)
    missing = sorted(known - set(loaded))
    unexpected = sorted(set(loaded) - known)
    shapes = [
        f"{name} is {tuple(loaded[name].shape)}, expected {tuple(wanted[name].shape)}"
        for name in sorted(known & set(loaded))
        if loaded[name].shape != wanted[name].shape
    ]
    if not (missing or unexpected or shapes):
        return
    lines = []
    for what, names in (
        ("missing", missing),
        ("unexpected", unexpected),
        ("of another shape", shapes),
    ):
        if names:
            lines.append(f"  {what} ({len(names)}): {'; '.join(names)}")
    only_head = all(name.startswith(_HEAD) for name in (*missing, *unexpected, *shapes))
    advice = (
        "The weights are for other regions: use new_head=True to train a new last layer."
        if only_head
        else "Build the model with the sizes of the weights."
    )
    raise CheckpointError(
        f"The weights{_named(source)} do not fit the model; nothing was loaded. {advice}\n"
        + "\n".join(lines)
    )


def _named(source: object) -> str:
    return f" of {source}" if isinstance(source, (str, Path)) else ""
