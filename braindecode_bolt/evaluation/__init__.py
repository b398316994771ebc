"""Evaluation of models: protocols, scores, and what they are worth."""

from .evaluation import Evaluation, evaluate
from .protocols import PROTOCOLS, make_protocol
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
