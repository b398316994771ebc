"""What the commands of the command line do."""

from .evaluate import run_evaluate
from .simulate import run_simulate

__all__ = ["run_evaluate", "run_simulate"]
