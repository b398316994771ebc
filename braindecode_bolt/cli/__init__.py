"""The command line: arguments and calls, nothing else."""

from .parser import main

__all__ = ["main"]
