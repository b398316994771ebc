"""Evaluation of models.

Four steps: ``plan`` (what is fitted on what), ``run`` (fits, in parallel), ``collect``
(tables) and ``judge`` (against chance and each other). ``store`` keeps results in a
folder.
"""

from .collect import Evaluation
from .connectivity import summarise_connectivity
from .evaluating import evaluate
from .judge import compare_pipelines, summarise
from .loading import load_evaluation
from .protocols import PROTOCOLS, ProtocolError, make_protocol
from .store import ResultsError
from .study import Study

__all__ = [
    "PROTOCOLS",
    "Evaluation",
    "ProtocolError",
    "ResultsError",
    "Study",
    "compare_pipelines",
    "evaluate",
    "load_evaluation",
    "make_protocol",
    "summarise",
    "summarise_connectivity",
]
