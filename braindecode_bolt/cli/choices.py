"""Names that options accept, listed here so that help needs no slow import.

A test compares them with the registries of models and protocols.
"""

from .._catalogue import LINEAR, NETWORKS

#: Networks, then linear models, as :func:`braindecode_bolt.make_estimator` knows them.
MODELS = (*NETWORKS, *LINEAR)

#: Heads of networks, as in :data:`braindecode_bolt.training.HEADS`.
HEADS = ("linear", "closed_form", "evidence")

#: Networks with tokens by electrode and second, which heads other than the linear need.
WITH_TOKENS = ("NeuroBOLT", "LabramBOLD", "BIOTBOLD")

#: Networks that can begin from published weights.
WITH_WEIGHTS = ("NeuroBOLT", "LabramBOLD", "BIOTBOLD")

#: Protocols, and what their test part is, as in
#: :data:`braindecode_bolt.evaluation.PROTOCOLS`.
PROTOCOLS = {
    "subjects": "subjects not seen in training, in folds of whole subjects",
    "sessions": "sessions not seen in training, of subjects seen in other sessions",
    "runs": "runs not seen in training, of subjects seen in other runs",
    "leave-one-subject-out": "one subject not seen in training, each in turn",
    "leave-one-session-out": "one session not seen in training, each in turn",
    "leave-one-run-out": "one run not seen in training, each in turn",
    "leave-one-task-out": "one task and its subjects not seen in training",
    "leave-one-site-out": "one site and its subjects not seen in training",
    "within": "the last tenth of each recording, after a gap (as in the paper)",
    "within-folds": "stretches of each recording in turn, between gaps",
    "published": "the six scans that the paper tested on",
    "zero-shot": "subjects not seen in training, in a task not seen in training",
    "joint": "subjects not seen in training, in one of two training tasks",
    "fine-tuned": "subjects not seen in training, after fine-tuning on their task",
}

#: Protocols that go from one task to another.
TRANSFERS = ("zero-shot", "joint", "fine-tuned")

#: Protocols whose number of folds can be chosen.
WITH_FOLDS = ("subjects", "sessions", "runs", "within-folds", *TRANSFERS)

#: Uninformative EEG, as in :mod:`braindecode_bolt.null.controls`.
CONTROLS = ("wrong_subject", "constant_eeg")

#: Models compared when none are named.
DEFAULT_MODELS = ("LaggedBandPower", "BandPowerGP", "NeuroBOLT")

#: How effects are found.
EXPLANATIONS = (
    "auto",
    "weights",
    "gradient",
    "integrated_gradients",
    "occlusion",
    "pattern",
)

#: Surrogates that R is compared with, if not said.
SURROGATES = 10_000

#: Devices that PyTorch may have; whether it has one is seen when it is imported.
DEVICES = ("cpu", "cuda", "mps", "xpu", "hpu", "mtia", "xla", "npu")

#: Readers of MNE for EEG files, as in the data sets of folders.
READERS = (
    *("ant", "bci2k", "bdf", "brainvision", "cnt", "curry", "edf", "eeglab", "egi"),
    *("eximia", "fif", "gdf", "nedf", "nicolet", "nihon", "persyst"),
)

#: Montages of MNE, as :func:`mne.channels.get_builtin_montages` lists them.
MONTAGES = (
    *("fsaverage_1005", "fsaverage_1010", "fsaverage_1020"),
    *("colin27_1005", "colin27_1020", "colin27_alphabetic", "colin27_postfixed"),
    *("colin27_prefixed", "colin27_primed", "biosemi16", "biosemi32", "biosemi64"),
    *("biosemi128", "biosemi160", "biosemi256", "easycap-M1", "easycap-M10"),
    *("easycap-M43", "EGI_256", "GSN-HydroCel-32", "GSN-HydroCel-64_1.0"),
    *("GSN-HydroCel-65_1.0", "GSN-HydroCel-128", "GSN-HydroCel-129"),
    *("GSN-HydroCel-256", "GSN-HydroCel-257", "mgh60", "mgh70", "artinis-octamon"),
    *("artinis-brite23", "brainproducts-RNP-BA-128", "spherical_1005"),
    *("spherical_1010", "spherical_1020"),
)

#: Atlases by name, as :func:`braindecode_bolt.bold.extract_regions` knows them.
ATLASES = ("difumo64", "difumo128", "difumo256", "difumo512", "difumo1024")
