"""Evaluation of models: protocols, scores, and what they are worth."""

from .evaluating import evaluate
from .protocols import PROTOCOLS, make_protocol
from .result import Evaluation
from .significance import compare_pipelines, summarise
from .store import ResultsError
from .study import Study

__all__ = [
    "PROTOCOLS",
    "Evaluation",
    "ResultsError",
    "Study",
    "compare_pipelines",
    "evaluate",
    "make_protocol",
    "summarise",
]
