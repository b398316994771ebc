"""One HTML file that says what was evaluated and what came of it, and tables of text."""

from .report import write_report
from .score_table import layout

__all__ = ["layout", "write_report"]
