"""One HTML file that says what was evaluated and what came of it."""

from .report import write_report

__all__ = ["write_report"]
