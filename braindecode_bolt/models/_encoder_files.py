"""Files of pre-trained encoders: weights without a last layer, and their card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from .._files import atomic_write
from ._weight_files import (
    CARD,
    CHECKSUM,
    SHIPPED,
    CheckpointError,
    checksum,
    read_card,
)
from ._weight_names import HEAD

__all__ = ["encoder_card", "save_encoder"]


def save_encoder(model: nn.Module, file: str | Path, card: Mapping[str, Any]) -> Path:
    """Write the encoder of a model and its card.

    Parameters
    ----------
    model : nn.Module
        One of this package.
    file : str | Path
        Ends with ``.safetensors``. The card is in its metadata; a copy to read is
        written beside it, with the ending ``.json``.
    card : mapping
        What the encoder was trained on; JSON-able. The configuration of the model is
        added.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the file has another ending.
    """
    from safetensors.torch import save

    file = Path(file)
    if file.suffix != ".safetensors":
        raise ValueError(f"Weights are written to a .safetensors file, got {file}.")
    state = {
        name: value.detach().cpu().contiguous()
        for name, value in model.state_dict().items()
        if not name.startswith(HEAD)
    }
    text = json.dumps({**card, "config": _config(model)}, indent=2)
    metadata = {"format": "pt", CHECKSUM: checksum(state), CARD: text}
    with atomic_write(file) as work:
        work.write_bytes(save(state, metadata))
    with atomic_write(file.with_suffix(".json")) as work:
        work.write_text(text + "\n", encoding="utf-8")
    return file


def _config(model: nn.Module) -> dict[str, Any]:
    """Arguments with which the encoder can be built again."""
    config = model.get_config()
    for name in ("pretrained", "new_head", "chs_info", "n_outputs", "n_chans"):
        config.pop(name, None)
    return {**config, "ch_names": model.ch_names}


def encoder_card(source: str | Path) -> dict[str, Any]:
    """Read the card of a file of :func:`save_encoder`.

    Parameters
    ----------
    source : str | Path
        The file, or the name of weights that come with the package.

    Returns
    -------
    dict
        Empty if the file has no card, or there is no such file.

    Raises
    ------
    CheckpointError
        If the file is damaged.
    """
    file = Path(SHIPPED.get(str(source), source))
    if file.suffix != ".safetensors" or not file.is_file():
        return {}
    with file.open("rb") as opened:
        head = opened.read(8)
        length = int.from_bytes(head, "little")
        if len(head) < 8 or length > file.stat().st_size:
            raise CheckpointError(f"{file} is damaged: its header is not complete.")
        return read_card(opened.read(length), file)
