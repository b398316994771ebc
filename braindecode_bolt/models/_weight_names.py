"""Names of weights in published files and in our models, and the channels' rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import torch
from torch import nn

from ..eeg.channels import ChannelNameError, match_channels, normalize_channel_name
from ._montage import Montage
from ._weight_files import CheckpointError

logger = logging.getLogger(__name__)

State = dict[str, torch.Tensor]

#: Channels of the published NeuroBOLT weights, in the order of their channel embedding.
PUBLISHED_CHANNELS = tuple(
    "FP1 FP2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 "
    "FPZ FZ CZ PZ POZ OZ FT9 FT10 TP9 TP10".split()
)
#: What the names of the last layer's weights begin with.
HEAD = "final_layer."
_CHANNELS = "spectral.channel_embedding.weight"
_FRESH = "spatiotemporal.fresh_embedding"
# In files of LaBraM, but not used by an encoder with mean pooling.
_PRETRAINING_ONLY = r"(norm|lm_head|head|final_layer)\.|mask_token$"
# Computed, not learned.
_COMPUTED = r"index$|positional_encoding\.pe$"


def _labram_rules(encoder: str, norm: str, patch: str, fc: str) -> list[tuple[str, str]]:
    """Rules from the names of LaBraM, published or braindecode's, to those of a model."""
    first, second = fc
    return [
        (r"(pos_embed|position_embedding)$", f"{encoder}.position_embedding"),
        (r"(time_embed|temporal_embedding)$", f"{encoder}.temporal_embedding"),
        (r"fc_norm\.", f"{encoder}.{norm}."),
        (r"patch_embed\.(temporal_conv\.)?", f"{encoder}.{patch}."),
        (r"(blocks\.\d+\.mlp)\.(fc1|0)\.", rf"{encoder}.\1.{first}."),
        (r"(blocks\.\d+\.mlp)\.(fc2|2)\.", rf"{encoder}.\1.{second}."),
        (r"(cls_token$|blocks\.)", rf"{encoder}.\1"),
    ]


_MSS = r"mss_module\."
_LAYER = rf"{_MSS}transformer\.layers\.layers\.(\d+)\."
_NEUROBOLT_RULES = [
    (rf"{_MSS}patch_embedding\.(\d+)\.projection\.", r"spectral.scales.\1.frequency."),
    (rf"{_MSS}ts_embedding\.(\d+)\.projection\.", r"spectral.scales.\1.window."),
    (rf"{_MSS}channel_tokens\.", "spectral.channel_embedding."),
    (rf"{_LAYER}0\.fn\.to_([qkv])\.", r"spectral.blocks.\1.attn.\2."),
    (rf"{_LAYER}0\.fn\.to_out\.", r"spectral.blocks.\1.attn.proj."),
    (rf"{_LAYER}0\.norm\.", r"spectral.blocks.\1.norm1."),
    (rf"{_LAYER}1\.norm\.", r"spectral.blocks.\1.norm2."),
    (rf"{_LAYER}1\.fn\.fn\.w([12])\.", r"spectral.blocks.\1.mlp.fc\2."),
    (r"(head|final_layer)\.", HEAD),
    *_labram_rules("spatiotemporal", "norm", "patch_embed", ("fc1", "fc2")),
]
_LABRAM_RULES = _labram_rules("encoder", "fc_norm", "patch_embed.temporal_conv", "02")


def translate_neurobolt(
    model: nn.Module, state: State, ch_names: Sequence[str] | None
) -> tuple[State, set[str]]:
    """Rename weights as in a NeuroBOLT, and pick the rows of its channels.

    Parameters
    ----------
    model : NeuroBOLT
        The model that they are for.
    state : mapping of str to Tensor
        Weights as read: of a NeuroBOLT, ours or as published, or of a LaBraM.
    ch_names : sequence of str | None
        Channels of the weights.

    Returns
    -------
    loaded : dict of str to Tensor
        Weights by our names.
    optional : set of str
        Names that the weights need not have.
    """
    # Rows of electrodes that LaBraM does not know are in our own files only.
    alone = _head_of_encoder(state, model)
    optional = {_FRESH} | alone
    published = any(name.startswith("mss_module.") for name in state)
    if any(name.startswith(("spatiotemporal.", "spectral.")) for name in state):
        loaded = dict(state)
    elif published:
        loaded = _rename(state, _NEUROBOLT_RULES)
        for name in [name for name in loaded if name.endswith(".attn.q.weight")]:
            parts = [name.replace(".q.", f".{letter}.") for letter in "qkv"]
            if all(part in loaded for part in parts):
                stacked = torch.cat([loaded.pop(part) for part in parts])
                loaded[name.replace(".q.", ".qkv.")] = stacked
    else:
        loaded = _rename(_labram_encoder(state), _NEUROBOLT_RULES)
        # All but LaBraM's encoder, whose files have no norm after the pooling.
        optional |= {
            name
            for name in model.state_dict()
            if not name.startswith("spatiotemporal.")
            or name.startswith("spatiotemporal.norm.")
        }
    _pick_channels(loaded, model, ch_names, published, bool(alone))
    if model.spatiotemporal is not None:
        name = "spatiotemporal.temporal_embedding"
        n_seconds = model.spatiotemporal.temporal_embedding.shape[1]
        _cut_seconds(loaded, name, n_seconds)
        if alone:
            _repeat_seconds(loaded, name, n_seconds)
    return loaded, optional


def translate_labram(
    model: nn.Module, state: State, ch_names: Sequence[str] | None
) -> tuple[State, set[str]]:
    """Rename weights of a LabramBOLD or a LaBraM as in a LabramBOLD.

    Parameters and what is returned are those of :func:`translate_neurobolt`.
    """
    if any(name.startswith("encoder.") for name in state):
        loaded, optional = dict(state), _head_of_encoder(state, model)
        if optional:
            name = "encoder.temporal_embedding"
            n_rows = model.encoder.temporal_embedding.shape[1]
            _cut_seconds(loaded, name, n_rows)
            _repeat_seconds(loaded, name, n_rows)
        return loaded, optional
    loaded = _rename(_labram_encoder(state), _LABRAM_RULES)
    name = "encoder.temporal_embedding"
    # braindecode's embedding has a last row that is never used.
    unused = model.encoder.temporal_embedding[:, -1:]
    n_seconds = model.encoder.temporal_embedding.shape[1] - 1
    _cut_seconds(loaded, name, n_seconds)
    if name in loaded and loaded[name].shape[1] == n_seconds:
        loaded[name] = torch.cat([loaded[name], unused.to(loaded[name])], dim=1)
    optional = {n for n in model.state_dict() if n.startswith(("encoder.fc_norm.", HEAD))}
    return loaded, optional


def translate_biot(
    model: nn.Module, state: State, ch_names: Sequence[str] | None
) -> tuple[State, set[str]]:
    """Rename weights of a BIOTBOLD or a BIOT as in a BIOTBOLD, with the channels' rows.

    Parameters and what is returned are those of :func:`translate_neurobolt`.
    """
    if f"{HEAD}weight" in state:
        return dict(state), set()
    encoder = {
        re.sub(r"^(biot\.)?(encoder\.)?", "", name): value for name, value in state.items()
    }
    loaded = {
        f"encoder.{name}": value
        for name, value in encoder.items()
        if not name.startswith((HEAD, "classifier.")) and not re.search(_COMPUTED, name)
    }
    embedding = "encoder.channel_tokens.weight"
    if embedding in loaded:
        rows = loaded.pop(embedding)
        names = [normalize_channel_name(name) for name in ch_names or ()]
        ours = model.ch_names or []
        if _head_of_encoder(state, model) and ours and len(names) == len(rows):
            loaded[embedding] = _rows_or_mean(rows, names, ours)
        elif ours and len(names) == len(rows) and set(ours) <= set(names):
            loaded[embedding] = rows[match_channels(ours, names, "The file of weights")]
        else:
            logger.warning(
                "The channel embedding of the weights (%d channels) is not used, since "
                "its channels are not those of the model. The model's own starts at its "
                "initialisation.",
                len(rows),
            )
    optional = {name for name in model.state_dict() if name.startswith(HEAD)}
    return loaded, optional | {embedding}


def _head_of_encoder(state: State, model: nn.Module) -> set[str]:
    """Names of a model's last layer, if weights of ours are those of its encoder alone."""
    ours = ("spatiotemporal.", "spectral.", "encoder.")
    if any(name.startswith(HEAD) for name in state):
        return set()
    if not any(name.startswith(ours) for name in state):
        return set()
    return {name for name in model.state_dict() if name.startswith(HEAD)}


def _rows_or_mean(
    rows: torch.Tensor, names: Sequence[str], wanted: Sequence[str]
) -> torch.Tensor:
    """Rows of the wanted channels; the mean row for those that have none."""
    found, missing = [], []
    for name in wanted:
        try:
            found.append(rows[match_channels([name], names, "The encoder")[0]])
        except ChannelNameError:
            found.append(rows.mean(dim=0))
            missing.append(name)
    if missing:
        logger.warning(
            "The encoder was not pre-trained on %s: the mean of the other channels' "
            "embeddings is used",
            ", ".join(missing),
        )
    return torch.stack(found)


def _labram_encoder(state: State) -> State:
    """Pick LaBraM's encoder of what its files hold."""
    if any(name.startswith("student.") for name in state):
        state = {
            name.removeprefix("student."): value
            for name, value in state.items()
            if name.startswith("student.")
        }
    return {n: value for n, value in state.items() if not re.match(_PRETRAINING_ONLY, n)}


def _rename(state: State, rules: list[tuple[str, str]]) -> State:
    """Rename weights, each by the first rule that applies."""
    renamed: State = {}
    for old, value in state.items():
        if re.search(_COMPUTED, old):
            continue
        name = old
        for pattern, replacement in rules:
            name, n_replaced = re.subn(f"^{pattern}", replacement, old)
            if n_replaced:
                break
        if name in renamed:
            raise CheckpointError(f"The weights hold {name} twice, once as {old}.")
        renamed[name] = value
    return renamed


def _pick_channels(
    loaded: State,
    model: nn.Module,
    names: Sequence[str] | None,
    published: bool,
    alone: bool,
) -> None:
    """Pick the rows of the spectral channel embedding that the model's channels have."""
    embedding = loaded.get(_CHANNELS)
    if embedding is None or model.spectral is None:
        return
    if names is None and published and len(embedding) == len(PUBLISHED_CHANNELS):
        names = PUBLISHED_CHANNELS
    if names is None:
        if not published:
            return
        raise ChannelNameError(
            f"The weights are for {len(embedding)} channels that they do not name. Give "
            "load_published_weights their names, in order (ch_names=...)."
        )
    names = [normalize_channel_name(name) for name in names]
    known = [name for name in names if name not in Montage.unknown(names)]
    if len(names) != len(embedding) and len(known) == len(embedding):
        names = known  # The model did not use the others.
    if len(names) != len(embedding):
        raise ChannelNameError(
            f"{len(names)} names were given for the weights' {len(embedding)} channels."
        )
    fresh, of_fresh = loaded.get(_FRESH), Montage.unknown(names)
    if fresh is not None and len(of_fresh) == fresh.shape[1]:
        wanted = Montage.unknown(model.ch_names)
        loaded[_FRESH] = fresh[:, match_channels(wanted, of_fresh, "The file of weights")]
    used = [model.ch_names[place] for place in model.inputs.tolist()]
    if alone and not any("_mixture" in name for name in loaded):
        loaded[_CHANNELS] = _rows_or_mean(embedding, names, used)
        return
    rows = match_channels(used, names, "The file of weights")
    loaded[_CHANNELS] = embedding[rows]
    if rows != list(range(len(embedding))):
        for name in [n for n in loaded if n.endswith("_mixture")]:
            loaded[name] = loaded[name][:, rows]


def _cut_seconds(loaded: State, name: str, n_seconds: int) -> None:
    """Cut the time embedding of the weights to the length of the model's window."""
    if name in loaded and loaded[name].shape[1] > n_seconds:
        loaded[name] = loaded[name][:, :n_seconds]


def _repeat_seconds(loaded: State, name: str, n_seconds: int) -> None:
    """Repeat the last row of the time embedding, for a longer window."""
    if name in loaded and loaded[name].shape[1] < n_seconds:
        missing = n_seconds - loaded[name].shape[1]
        last = loaded[name][:, -1:].expand(-1, missing, -1)
        loaded[name] = torch.cat([loaded[name], last], dim=1)
