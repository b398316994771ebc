"""Parameters that many models have, described once."""

from __future__ import annotations

from .._text import fill_docstring as fill

_SIGNAL = """\
n_outputs : int
    Number of regions.
n_chans : int | None
    Number of channels. Needed where the channels are not named.
chs_info : list of dict | None
    Channels as in ``mne.Info["chs"]``.{names_decide}
n_times : int
    Samples of a window. {n_times}
input_window_seconds : float | None
    Length of a window in seconds, where `n_times` is not given.
sfreq : float | None
    Sampling rate in Hz. {sfreq}
ch_names : list of str | None
    Channel names, a shorthand for `chs_info`. Spelling does not matter
    (``"EEG Fp1-REF"`` is Fp1).
"""

#: What ``%(name)s`` stands for in the docstring of a model.
_TEMPLATES = {
    "signal_parameters": _SIGNAL.format(
        names_decide="", n_times="3200 (16 s) in the paper.", sfreq="Default 200."
    ),
    "signal_parameters_200_hz": _SIGNAL.format(
        names_decide=" The names decide which rows of\n    the channel embedding are used.",
        n_times="Whole seconds at 200 Hz; 3200 (16 s) in the paper.",
        sfreq="Must be 200 if given: the patches, the\n    convolutions and the "
        "pretrained weights are made for it.",
    ),
    "input_scale": """\
input_scale : float
    The input in microvolts is divided by it. Default 100, as LaBraM's unit is 100
    microvolts.
""",
    "head_activation": """\
head_activation : type of nn.Module
    Non-linearity before the last layer. Default ``nn.ELU``.
""",
    "embedding_std": """\
embedding_std : float
    Standard deviation of the channel and time embeddings at initialisation.
    Default 0.02, as published. This is very small beside patches of unit scale.
    Weights of LaBraM-base replace these embeddings. Without such weights the
    network can hardly tell channels and seconds apart: use 1, and the same learning
    rate for all layers (``EEGRegressor(layer_decay=1.0)``). See :doc:`/baselines`.
""",
    "pretrained": """\
pretrained : str | None
    Weights to start from: a file, a folder of ``save_pretrained``, or a repository
    on the Hugging Face Hub, see :func:`~braindecode_bolt.load_published_weights`.
    Default None.
new_head : bool
    Keep the new last layer, whatever the pretrained weights have there. Needed for
    other regions than those of the weights. Default False.
""",
}


def fill_docstring(docstring: str) -> str:
    """Replace each line ``%(name)s`` of a model's docstring by the text of that name."""
    return fill(docstring, _TEMPLATES)
