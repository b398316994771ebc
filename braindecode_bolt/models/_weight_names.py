"""Names of weights as published and as ours, and the rows that channels have."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from ..eeg.channels import ChannelNameError, match_channels, normalize_channel_name
from ._montage import Montage

logger = logging.getLogger(__name__)

#: Channels of the published NeuroBOLT weights, in the order of their table.
PUBLISHED_CHANNELS = tuple(
    "FP1 FP2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 "
    "FPZ FZ CZ PZ POZ OZ FT9 FT10 TP9 TP10".split()
)
_CHANNEL_TABLE = "spectral.channel_embedding.weight"
_TEMPORAL_TABLE = "spatiotemporal.temporal_embedding"
_FRESH_TABLE = "spatiotemporal.fresh_embedding"
#: What the names of the last layer's weights begin with.
HEAD = "final_layer."
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
    (r"^(head|final_layer)\.", HEAD),
    (r"^(pos_embed|position_embedding)$", "spatiotemporal.position_embedding"),
    (r"^(time_embed|temporal_embedding)$", _TEMPORAL_TABLE),
    (r"^fc_norm\.", "spatiotemporal.norm."),
    (r"^patch_embed\.(temporal_conv\.)?", "spatiotemporal.patch_embed."),
    (r"^(blocks\.\d+\.mlp\.)0\.", r"spatiotemporal.\1fc1."),
    (r"^(blocks\.\d+\.mlp\.)2\.", r"spatiotemporal.\1fc2."),
    (r"^(cls_token$|blocks\.)", r"spatiotemporal.\1"),
]
# Our names of the same encoder -> those of braindecode's.
_LABRAM_NAMES = [
    (r"^spatiotemporal\.norm\.", "encoder.fc_norm."),
    (r"^spatiotemporal\.patch_embed\.", "encoder.patch_embed.temporal_conv."),
    (r"^spatiotemporal\.(blocks\.\d+\.mlp\.)fc1\.", r"encoder.\g<1>0."),
    (r"^spatiotemporal\.(blocks\.\d+\.mlp\.)fc2\.", r"encoder.\g<1>2."),
    (r"^spatiotemporal\.", "encoder."),
]


def translate_neurobolt(
    model: nn.Module, state: Mapping[str, torch.Tensor], ch_names: Sequence[str] | None
) -> tuple[dict[str, torch.Tensor], set[str]]:
    """Give weights the names of a NeuroBOLT.

    Parameters
    ----------
    model : NeuroBOLT
        What they are for.
    state : mapping of str to Tensor
        Weights as read.
    ch_names : sequence of str | None
        Channels of the weights.

    Returns
    -------
    loaded : dict of str to Tensor
        Weights by our names.
    optional : set of str
        Names that the weights need not have.
    """
    target = model.state_dict()
    loaded, encoder_only = _translate(state)
    _pick_channels(loaded, model, ch_names, own=not _is_published(state))
    _cut_seconds(loaded, target)
    optional: set[str] = set()
    if encoder_only:
        # LaBraM files have no norm after the pooling: it begins as identity.
        optional = {name for name in target if not name.startswith("spatiotemporal.")}
        optional |= {name for name in target if name.startswith("spatiotemporal.norm.")}
    # Rows for electrodes that LaBraM does not know are new by their nature.
    return loaded, optional | {_FRESH_TABLE}


def translate_labram(
    model: nn.Module, state: Mapping[str, torch.Tensor], ch_names: Sequence[str] | None
) -> tuple[dict[str, torch.Tensor], set[str]]:
    """Give weights the names of a LabramBOLD.

    Parameters
    ----------
    model, state, ch_names
        As in :func:`translate_neurobolt`.

    Returns
    -------
    loaded, optional
        As in :func:`translate_neurobolt`.
    """
    if any(name.startswith("encoder.") for name in state):
        return dict(state), set()
    target = model.state_dict()
    loaded = {}
    for name, value in _translate(state)[0].items():
        for pattern, replacement in _LABRAM_NAMES:
            name, n_replaced = re.subn(pattern, replacement, name)
            if n_replaced:
                break
        loaded[name] = value
    table, wanted = "encoder.temporal_embedding", target["encoder.temporal_embedding"]
    if table in loaded:
        # braindecode's table has a last row that nothing reads.
        read = wanted.shape[1] - 1
        rows = loaded[table][:, :read]
        loaded[table] = torch.cat([rows, wanted[:, rows.shape[1] :]], dim=1)
        if rows.shape[1] < read:
            loaded[table] = rows  # Reported by its shape.
    norm = {name for name in target if name.startswith("encoder.fc_norm.")}
    return loaded, norm | {name for name in target if name.startswith(HEAD)}


def translate_biot(
    model: nn.Module, state: Mapping[str, torch.Tensor], ch_names: Sequence[str] | None
) -> tuple[dict[str, torch.Tensor], set[str]]:
    """Give weights the names of a BIOTBOLD.

    Parameters
    ----------
    model, state, ch_names
        As in :func:`translate_neurobolt`.

    Returns
    -------
    loaded, optional
        As in :func:`translate_neurobolt`.
    """
    if f"{HEAD}weight" in state:
        return dict(state), set()
    loaded = {}
    for name, value in state.items():
        name = name.removeprefix("biot.").removeprefix("encoder.")
        classifies = name.startswith((HEAD, "classifier."))
        if not classifies and not _NOTHING_LEARNED.search(name) and name != "index":
            loaded[f"encoder.{name}"] = value
    table = "encoder.channel_tokens.weight"
    if table in loaded:
        tokens = loaded.pop(table)
        names = [normalize_channel_name(name) for name in ch_names or ()]
        ours = model.ch_names or []
        if ours and len(names) == len(tokens) and set(ours) <= set(names):
            loaded[table] = tokens[match_channels(ours, names, "The file of weights")]
        else:
            logger.warning(
                "The table of the weights' %d channels is not used, since they are not "
                "those of the model; the rows of its channels begin anew.",
                len(tokens),
            )
    heads = {name for name in model.state_dict() if name.startswith(HEAD)}
    return loaded, heads | {table}


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


def _cut_seconds(
    loaded: dict[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> None:
    table, wanted = loaded.get(_TEMPORAL_TABLE), target.get(_TEMPORAL_TABLE)
    if table is not None and wanted is not None and table.shape[1] > wanted.shape[1]:
        loaded[_TEMPORAL_TABLE] = table[:, : wanted.shape[1]]
