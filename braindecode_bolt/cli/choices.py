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
