"""BOLDNet: any encoder, with or without spectra, and any head; BOLDFlow is one of them."""

from __future__ import annotations

from collections.abc import Sequence

from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._checks import check_counts
from ._encoder_head import EncoderHead

__all__ = ["BOLDFlow", "BOLDNet"]


class BOLDNet(EncoderHead, EEGModuleMixin, nn.Module):
    r"""Any encoder, with or without a spectral branch, and any head.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG, and, on request, of volumes before it and how far the prediction may be off.
    NeuroBOLT [Li2024f]_ and its rivals are one family, and this is the family:

    - an **encoder**: that of LaBraM, as in NeuroBOLT, or any model of braindecode
      without its last layer (REVE, CBraMod, BIOT, EEGPT, LUNA, EEGNet, ...), with its
      published weights if wanted;
    - a **spectral branch**, that of NeuroBOLT, added to it;
    - a **head**: ``"point"`` (one linear layer), ``"gaussian"`` (mean and standard
      deviation, trained by the beta-NLL of [Seitzer2022]_) or ``"flow"`` (a source
      distribution and a flow from it to the BOLD, conditional flow matching
      [Lipman2023]_).

    With the LaBraM encoder, the spectral branch and the point head it is NeuroBOLT
    (:class:`NeuroBOLT` has its published arguments and weights).

    Parameters
    ----------
    %(signal_parameters)s
    encoder : str | None, default "LaBraM"
        ``"LaBraM"``, a model of braindecode by name, or None for the
        spectral branch alone. ``braindecode-bolt models`` says what each needs.
    encoder_args : dict | None
        Arguments of the encoder, such as ``{"depth": 2}`` of REVE. Of LaBraM:
        ``num_layers`` (12), ``num_heads`` (10), ``drop_path_prob`` (0.1),
        ``embedding_std`` (0.02; 1 without published weights) and ``unknown_channels``,
        as in :class:`NeuroBOLT`.
    encoder_weights : str | None
        Published weights of the encoder: a folder of ``save_pretrained`` or a
        repository on the Hugging Face Hub, read by braindecode's ``from_pretrained``
        (for LaBraM by :func:`~braindecode_bolt.load_published_weights`).
    spectral : bool, default True
        Add the spectral branch. It needs windows of whole multiples of
        its longest scale at 200 Hz.
    embed_dim : int, default 200
        Features of a window.
    pooling : {"mean", "attention"}, default "mean"
        How tokens of an encoder of braindecode become features: their mean or attention
        of one learned query.
    %(spectral_branch)s
    head : {"point", "gaussian", "flow"}, default "point"
        What is predicted of each region: a number, a normal distribution, or any
        distribution; see above.
    head_args : dict | None
        Arguments of the head. Gaussian: ``spread`` (1, before training), ``beta``
        (0.5). Flow: ``width`` (512) and ``depth`` (4) of the velocity network,
        ``n_steps`` (50) Euler steps.
    n_volumes : int, default 1
        Volumes that are predicted from a window, the last of which is at its end.
        Predictions of one volume from several windows are averaged by
        :class:`~braindecode_bolt.EEGRegressor`.
    drop_prob : float, default 0.1
        Dropout on embeddings and in the LaBraM encoder.
    %(spectral_drop_prob)s
    %(input_scale)s
    activation : type of nn.Module, default nn.GELU
        Non-linearity of our parts and before the head.

    Raises
    ------
    ChannelNameError
        If no channel names are given, or the encoder cannot use one.
    ValueError
        If the encoder or the spectral branch cannot take such windows, or an argument
        is none of its choices.
    CheckpointError
        If the weights do not fit the encoder.

    Notes
    -----
    An encoder of braindecode gets EEG in the unit that it was pre-trained with where
    that is known, else in units of 20 microvolts, about the standard deviation of EEG.

    References
    ----------
    .. [Li2024f] Li, Y., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
       Synthesis with Multi-dimensional Feature Mapping. NeurIPS 2024.
    .. [Seitzer2022] Seitzer, M., Tavakoli, A., Antic, D., & Martius, G. (2022). On the
       Pitfalls of Heteroscedastic Uncertainty Estimation with Probabilistic Neural
       Networks. ICLR 2022.
    .. [Lipman2023] Lipman, Y., Chen, R. T. Q., Ben-Hamu, H., Nickel, M., & Le, M.
       (2023). Flow Matching for Generative Modeling. ICLR 2023.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import BOLDNet
    >>> model = BOLDNet(
    ...     n_outputs=7, ch_names=["Fz", "Cz", "Pz", "Oz"], n_times=3200,
    ...     encoder="CBraMod", encoder_args={"n_layer": 1}, head="gaussian",
    ... )
    >>> model(torch.randn(1, 4, 3200)).shape
    torch.Size([1, 7])
    """

    def __init__(
        self,
        n_outputs: int | None = None,
        n_chans: int | None = None,
        chs_info: list[dict] | None = None,
        n_times: int | None = None,
        input_window_seconds: float | None = None,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        encoder: str | None = "LaBraM",
        encoder_args: dict | None = None,
        encoder_weights: str | None = None,
        spectral: bool = True,
        embed_dim: int = 200,
        pooling: str = "mean",
        n_scales: int = 4,
        spectral_depth: int = 4,
        spectral_num_heads: int = 8,
        mix_windows: bool = True,
        head: str = "point",
        head_args: dict | None = None,
        n_volumes: int = 1,
        drop_prob: float = 0.1,
        spectral_drop_prob: float = 0.2,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.GELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        self._build(
            encoder,
            encoder_args,
            encoder_weights,
            spectral,
            embed_dim,
            pooling,
            (n_scales, spectral_depth, spectral_num_heads, mix_windows),
            head,
            head_args,
            n_volumes,
            drop_prob,
            spectral_drop_prob,
            input_scale,
            activation,
        )


class BOLDFlow(EncoderHead, EEGModuleMixin, nn.Module):
    r"""BOLDFlow (2026) [BOLDFlow]_: REVE, spectra, and a flow to blocks of volumes.

    Predicts the BOLD signal of brain regions at the end of a window of EEG and of the
    three volumes before it, as a distribution. One of the family of :class:`BOLDNet`,
    with its published sizes: the foundation model REVE [ElOuahidi2025]_ read by one
    learned query, NeuroBOLT's spectral branch at the same width, and a flow head. The
    published window is 32 s (6400 samples).

    **Not shown to work here**: no size of it, small or published, was shown to predict
    BOLD better than chance with this package, not even simulated BOLD. What its authors
    report was found with their code and weights.

    Written from a description of the network's parts and sizes. **Changed**: EEG is in
    units of 20 microvolts and clipped at 15, where the original standardises each
    channel over the scan (a model cannot see the scan). **Unknown**: whether the loss
    of the flow also teaches the source; here it does not. Without `encoder_weights`
    REVE is trained from the start.

    Parameters
    ----------
    %(signal_parameters)s
    encoder_args : dict | None
        Arguments of REVE, such as ``{"depth": 2}``. None: REVE-base.
    encoder_weights : str | None
        Weights of REVE, such as ``"brain-bzh/reve-base"``: a folder or a repository on
        the Hugging Face Hub. With them the electrodes are placed by REVE's own table.
        None: random weights.
    embed_dim : int, default 512
        Features of a window.
    %(spectral_branch)s
    flow_width : int, default 512
        Width of the velocity network.
    flow_depth : int, default 4
        Its residual blocks.
    n_steps : int, default 50
        Euler steps from a draw of the source to BOLD.
    n_volumes : int, default 4
        Volumes that are predicted from a window.
    drop_prob : float, default 0.1
        Dropout on the embeddings of the spectral branch and in the source.
    %(spectral_drop_prob)s
    %(input_scale)s
    activation : type of nn.Module, default nn.GELU
        Non-linearity of the spectral branch and before the head.

    Raises
    ------
    ChannelNameError
        If no channel names are given, or the place of an electrode is not known.
    ValueError
        If a window does not hold whole spectral windows at 200 Hz, or an argument is
        out of range.
    CheckpointError
        If the weights do not fit REVE.

    References
    ----------
    .. [BOLDFlow] BOLDFlow (2026): EEG-to-fMRI synthesis by conditional flow matching.
       Architecture and configuration in its public repository.
    .. [ElOuahidi2025] El Ouahidi, Y., Lys, J., Thölke, P., Farrugia, N., Pasdeloup, B.,
       Gripon, V., Jerbi, K., & Lioi, G. (2025). REVE: A Foundation Model for EEG -
       Adapting to Any Setup with Large-Scale Pretraining on 25,000 Subjects.
       NeurIPS 2025.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import BOLDFlow
    >>> model = BOLDFlow(
    ...     n_outputs=7, ch_names=["Fz", "Cz", "Pz", "Oz"], n_times=1600, embed_dim=64,
    ...     encoder_args={"depth": 1, "embed_dim": 64, "heads": 2, "head_dim": 32},
    ...     flow_width=64, flow_depth=1,
    ... )
    >>> model(torch.randn(1, 4, 1600)).shape
    torch.Size([1, 7])
    """

    def __init__(
        self,
        n_outputs: int | None = None,
        n_chans: int | None = None,
        chs_info: list[dict] | None = None,
        n_times: int | None = None,
        input_window_seconds: float | None = None,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        encoder_args: dict | None = None,
        encoder_weights: str | None = None,
        embed_dim: int = 512,
        n_scales: int = 4,
        spectral_depth: int = 4,
        spectral_num_heads: int = 8,
        mix_windows: bool = True,
        flow_width: int = 512,
        flow_depth: int = 4,
        n_steps: int = 50,
        n_volumes: int = 4,
        drop_prob: float = 0.1,
        spectral_drop_prob: float = 0.2,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.GELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_counts(flow_width=flow_width, flow_depth=flow_depth, n_steps=n_steps)
        flow = {"width": flow_width, "depth": flow_depth, "n_steps": n_steps}
        self._build(
            "REVE",
            encoder_args,
            encoder_weights,
            True,
            embed_dim,
            "attention",
            (n_scales, spectral_depth, spectral_num_heads, mix_windows),
            "flow",
            {**flow, "drop_prob": drop_prob},
            n_volumes,
            drop_prob,
            spectral_drop_prob,
            input_scale,
            activation,
        )
