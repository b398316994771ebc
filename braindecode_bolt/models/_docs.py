"""Parameters that many models have, described once."""

from __future__ import annotations

from .._text import fill_docstring as fill

_SIGNAL = """\
n_outputs : int | None
    Number of regions, at least 1. Needed.
n_chans : int | None
    Number of channels. Needed where the channels are not named.
chs_info : list of dict | None
    Channels as in ``mne.Info["chs"]``.{names_decide}
n_times : int | None
    Samples of a window. Needed, unless `input_window_seconds` is given. {n_times}
input_window_seconds : float | None
    Length of a window in seconds, where `n_times` is not given.
sfreq : float | None
    Sampling rate in Hz. {sfreq}
ch_names : list of str | None
    Channel names, a shorthand for `chs_info`; both must say the same. Spelling does
    not matter (``"EEG Fp1-REF"`` is Fp1).
"""

#: What ``%(name)s`` stands for in the docstring of a model.
_TEMPLATES = {
    "signal_parameters": _SIGNAL.format(
        names_decide="",
        n_times="3200\n    (16 s) in the paper.",
        sfreq="By default 200, or what `n_times` and\n    `input_window_seconds` say.",
    ),
    "signal_parameters_200_hz": _SIGNAL.format(
        names_decide=" The names decide which rows of\n    the channel embedding are used.",
        n_times="Whole\n    seconds at 200 Hz; 3200 (16 s) in the paper.",
        sfreq="Must be 200 if given: the patches, the\n    convolutions and the "
        "pretrained weights are made for it.",
    ),
    "input_scale": """\
input_scale : float, default 100.0
    The input in microvolts is divided by it. LaBraM's unit is 100 microvolts.
""",
    "head_activation": """\
head_activation : type of nn.Module, default nn.ELU
    Non-linearity before the last layer.
""",
    "embedding_std": """\
embedding_std : float, default 0.02
    Standard deviation of the channel and time embeddings at initialisation.
    0.02 is published. This is very small beside patches of unit scale.
    Weights of LaBraM-base replace these embeddings. Without such weights the
    network can hardly tell channels and seconds apart: use 1, and the same learning
    rate for all layers (``EEGRegressor(layer_decay=1.0)``). See :doc:`/baselines`.
""",
    "spectral_branch": """\
n_scales : int, default 4
    Number of lengths of spectral windows; 4: 0.5, 1, 2 and 4 s.
spectral_depth : int, default 4
    Blocks of the spectral branch.
spectral_num_heads : int, default 8
    Its attention heads. Must divide `embed_dim`.
mix_windows : bool, default True
    Whether its tokens are learned mixtures of all spectral windows of a channel, as
    published. Without, a token sees the windows that it lies in, and no weight depends
    on the length of the window.
""",
    "spectral_drop_prob": """\
spectral_drop_prob : float, default 0.2
    Dropout on the attention of the spectral branch.
""",
    "pretrained": """\
pretrained : str | None
    Weights to start from: a file, a folder of ``save_pretrained``, or a repository
    on the Hugging Face Hub, see :func:`~braindecode_bolt.load_published_weights`.
    None: random weights.
new_head : bool, default False
    Keep the new last layer, whatever the pretrained weights have there. Needed for
    other regions than those of the weights.
""",
}


def fill_docstring(docstring: str) -> str:
    """Replace each line ``%(name)s`` of a model's docstring by the text of that name."""
    return fill(docstring, _TEMPLATES)
