"""What there is to know of each model by name, as a table that needs no slow import.

Tests compare it with the registries of models and with the models themselves.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

__all__ = ["BRAINDECODE", "LINEAR", "NETWORKS", "Entry", "alike", "find"]


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue.

    Attributes
    ----------
    kind : str
        What the model is made of.
    millions : float | None
        Millions of parameters for 26 channels, 16 s at 200 Hz and 64 regions.
    rate : float | None
        Sampling rate in Hz that it was published with; its kernels are that long.
        It is no demand unless `needs` says so.
    needs : str
        What it demands of channels, rate and length.
    weights : str
        Published weights on the Hugging Face Hub, loaded by braindecode's
        ``from_pretrained``. Their licence stands on their page.
    unit : float | None
        Microvolts that are 1 in the model's input. None: the standard deviation of the
        training windows.
    dense : bool
        Whether it gives a series per window, of which the mean over time is used.
    cannot : str
        Why it cannot predict BOLD; empty if it can.
    """

    kind: str
    millions: float | None = None
    rate: float | None = None
    needs: str = ""
    weights: str = ""
    unit: float | None = None
    dense: bool = False
    cannot: str = ""


_LABRAM_ROWS = "names of 10-10 electrodes, 200 Hz, whole seconds"
_POSITIONS = "electrodes of the 10-05 system or with a position"
_EMG = "for electromyography"
_JEPA = "braindecode/signal-jepa (as SignalJEPA)"

#: Networks of this package, in the order of :data:`braindecode_bolt.models.NETWORKS`.
NETWORKS = {
    "NeuroBOLT": Entry(
        "LaBraM encoder + multi-scale spectra",
        7.920,
        200,
        "names of 10-10 electrodes, 200 Hz, multiples of 4 s",
        "LaBraM-base, or yours (pretrained=)",
    ),
    "LabramBOLD": Entry(
        "LaBraM encoder", 5.833, 200, _LABRAM_ROWS, "LaBraM-base, or yours (pretrained=)"
    ),
    "BIOTBOLD": Entry(
        "BIOT encoder", 3.205, 200, "", "BIOT of 16 or 18 channels (pretrained=)"
    ),
    "BEIRA": Entry("convolution", 0.343, 200, "at least 2.56 s"),
    "SirenED": Entry("sine network + convolution", 0.346, 200, "at least 2.56 s"),
    "FFCL": Entry("convolution + recurrent", 2.581, 200),
    "CNNTransformer": Entry("convolution + attention", 2.824, 200),
    "STTransformer": Entry("convolution + attention", 2.665, 200, "at least 0.635 s"),
    "BOLDNet": Entry(
        "any encoder (encoder=), spectra, and a point, Gaussian or flow head (head=)",
        7.920,
        200,
        "what its encoder needs; with spectra 200 Hz and multiples of 4 s",
        "those of its encoder (encoder_weights=)",
    ),
    "BOLDFlow": Entry(
        "REVE + multi-scale spectra + flow to blocks of volumes",
        95.06,
        200,
        f"{_POSITIONS}, 200 Hz, multiples of 4 s; a GPU; not shown to be above chance",
        "brain-bzh/reve-base (encoder_weights=)",
    ),
}

#: Models of :data:`braindecode_bolt.linear.LINEAR`, in its order.
LINEAR = {
    "BandPowerGP": Entry("Gaussian process on band power"),
    "RidgeFingerprint": Entry("ridge on band power by electrode and lag"),
    "LaggedBandPower": Entry("ridge on lagged band power"),
    "SparseBandPower": Entry("sparse regression on lagged band power"),
    "AlphaHRF": Entry("alpha power through a haemodynamic response"),
    "MeanBOLD": Entry("mean of the training BOLD; ignores the EEG"),
}

#: Models of braindecode 1.8, by name.
BRAINDECODE = {
    "ATCNet": Entry("convolution + attention", 0.1238, 250),
    "AttentionBaseNet": Entry("convolution + attention", 0.0301, 250),
    "AttnSleep": Entry(
        "convolution + attention", None, 100, cannot="it takes a single channel"
    ),
    "BDTCN": Entry("temporal convolution", 0.0296, 100),
    "BENDR": Entry(
        "foundation model",
        None,
        250,
        weights="braindecode/braindecode-bendr",
        cannot="it takes 20 channels in its own order, one of which is no electrode; "
        "InterpolatedBENDR takes any",
    ),
    "BIOT": Entry(
        "foundation model",
        3.205,
        200,
        weights="braindecode/biot-pretrained-six-datasets-18chs",
    ),
    "BrainModule": Entry("convolution", 6.186, 250),
    "CBraMod": Entry(
        "foundation model",
        10.249,
        200,
        "200 Hz, whole seconds",
        "braindecode/cbramod-pretrained",
        unit=100.0,
    ),
    "CodeBrain": Entry(
        "foundation model",
        81.90,
        200,
        "200 Hz, whole seconds",
        "braindecode/codebrain-pretrained",
        unit=100.0,
    ),
    "ContraWR": Entry("convolution on spectrograms", 1.593, 125),
    "CTNet": Entry("convolution + attention", 0.2785, 250),
    "DANCE": Entry("convolution + attention", 29.84, 200, dense=True),
    "Deep4Net": Entry("convolution", 0.7278, 250, "at least 2 channels"),
    "DeepSleepNet": Entry(
        "convolution + recurrent", 452.1, 256, "much memory: its size grows with the window"
    ),
    "DGCNN": Entry("graph network", 0.853, 128, f"{_POSITIONS}; at least 2 channels"),
    "EEGConformer": Entry("convolution + attention", 2.293, 250),
    "EEGDINO": Entry(
        "foundation model",
        4.544,
        200,
        "200 Hz, whole seconds; with its weights at most 19 channels",
        "braindecode/eegdino-small-pretrained",
        unit=100.0,
    ),
    "EEGInceptionERP": Entry("convolution", 0.0605, 128),
    "EEGInceptionMI": Entry("convolution", 7.169, 250),
    "EEGITNet": Entry("convolution", 0.1813, 125),
    "EEGMiner": Entry("learned filters", 0.0433, 128),
    "EEGNet": Entry("convolution", 0.104, 128),
    "EEGNeX": Entry("convolution", 0.107, 125),
    "EEGPT": Entry(
        "foundation model", 25.42, 256, "at least 0.32 s", "braindecode/eegpt-pretrained"
    ),
    "EEGSimpleConv": Entry("convolution", 0.7454, 80),
    "EEGSym": Entry("convolution", 0.0289, 250),
    "EEGTCNet": Entry("temporal convolution", 0.0051, 250),
    "EMG2QwertyNet": Entry(
        f"convolution ({_EMG})", 1.617, 2000, "at least 2048 samples", dense=True
    ),
    "FBCNet": Entry("filter bank + convolution", 0.0852, 250),
    "FBLightConvNet": Entry("filter bank + convolution", 0.0129, 250),
    "FBMSNet": Entry("filter bank + convolution", 0.0897, 250),
    "IFNet": Entry("filter bank + convolution", 0.0437, 250),
    "InterpolatedBENDR": Entry("foundation model", 157.2, 250, _POSITIONS),
    "InterpolatedBIOT": Entry("foundation model", 3.203, 200, _POSITIONS),
    "InterpolatedEEGPT": Entry("foundation model", 25.42, 256, _POSITIONS),
    "InterpolatedLaBraM": Entry(
        "foundation model", 5.833, 200, f"{_POSITIONS}, 200 Hz, whole seconds", unit=100.0
    ),
    "InterpolatedSignalJEPA": Entry(
        "foundation model",
        None,
        128,
        cannot="it has no last layer; SignalJEPA_Contextual has one",
    ),
    "Labram": Entry(
        "foundation model",
        5.833,
        200,
        _LABRAM_ROWS,
        "braindecode/labram-pretrained",
        unit=100.0,
    ),
    "LUNA": Entry(
        "foundation model",
        7.164,
        256,
        f"{_POSITIONS}; multiples of 40 samples",
        "PulpBio/LUNA",
    ),
    "MEDFormer": Entry("convolution + attention", 12.66, 250),
    "MetaNeuromotorHand": Entry(
        "convolution + attention", None, 2000, cannot="it is made for EMG at 2000 Hz"
    ),
    "MSVTNet": Entry("convolution + attention", 0.341, 250),
    "MVPFormer": Entry("foundation model", 3.372, 512),
    "NeuroPose": Entry(
        f"convolution ({_EMG})", 6.356, 2000, "at least 16 channels", dense=True
    ),
    "PBT": Entry("attention", 0.9706, 250),
    "REVE": Entry(
        "foundation model",
        84.13,
        200,
        f"{_POSITIONS}; at least 1 s at 200 Hz",
        "brain-bzh/reve-base",
    ),
    "SCCNet": Entry("convolution", 0.2079, 125),
    "SensingDynamics": Entry(
        "convolution", None, 2000, cannot="it is made for EMG of 16 channels"
    ),
    "ShallowFBCSPNet": Entry("convolution", 0.5727, 250, "at least 2 channels"),
    "SignalJEPA": Entry(
        "foundation model",
        None,
        128,
        weights="braindecode/signal-jepa",
        cannot="it has no last layer; SignalJEPA_Contextual has one",
    ),
    "SignalJEPA_Contextual": Entry(
        "foundation model", 3.849, 128, _POSITIONS, _JEPA, unit=1.0
    ),
    "SignalJEPA_PostLocal": Entry(
        "foundation model", 0.4072, 128, _POSITIONS, _JEPA, unit=1.0
    ),
    "SignalJEPA_PreLocal": Entry("foundation model", 0.4072, 128, "", _JEPA, unit=1.0),
    "SincShallowNet": Entry("learned filters", 1.079, 250),
    "SleepStagerBlanco2020": Entry(
        "convolution", 0.0307, 100, "an even number of channels"
    ),
    "SleepStagerChambon2018": Entry("convolution", 0.0745, 128),
    "SPARCNet": Entry("convolution", 1.298, 200),
    "SSTDPN": Entry("convolution + attention", 0.4654, 250),
    "STEEGFormer": Entry(
        "foundation model",
        25.34,
        250,
        "at most 145 channels",
        "braindecode/STEEGFormer-small",
    ),
    "SyncNet": Entry("learned filters", 0.0053, 256),
    "TCFormer": Entry("convolution + attention", 0.0827, 250),
    "TIDNet": Entry("convolution", 1.452, 250),
    "TSception": Entry("convolution", 1.367, 256),
    "USleep": Entry("convolution", 5.018, 128),
    "VEMG2Pose": Entry(
        f"convolution + recurrent ({_EMG})",
        6.144,
        2000,
        "more than 1790 samples",
        dense=True,
    ),
    "ZUNA": Entry(
        "foundation model", 172.2, 256, f"{_POSITIONS}; slow: minutes a batch without a GPU"
    ),
}


def alike(name: str) -> str:
    """Ask whether a model with a similar name was meant.

    Parameters
    ----------
    name : str
        A name that no model has.

    Returns
    -------
    str
        A question after a space, or nothing if no name is similar.
    """
    names = {known.lower(): known for known in (*NETWORKS, *LINEAR, *BRAINDECODE)}
    close = [names[near] for near in difflib.get_close_matches(name.lower(), names)]
    return f" Did you mean {' or '.join(close)}?" if close else ""


def find(name: str) -> tuple[str, Entry] | None:
    """Find a model whatever the case of its name.

    Parameters
    ----------
    name : str
        Name of a model.

    Returns
    -------
    tuple of (str, Entry) | None
        Its name as it is written, and its entry. None if it is not in the catalogue.
    """
    for table in (NETWORKS, LINEAR, BRAINDECODE):
        for known, entry in table.items():
            if known.lower() == name.lower():
                return known, entry
    return None
