"""Reports of an evaluation: one HTML file, and tables of text for the terminal."""

from .data_page import write_data_page
from .report import write_report
from .score_table import layout

__all__ = ["layout", "write_data_page", "write_report"]
