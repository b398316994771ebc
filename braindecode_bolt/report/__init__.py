"""Reports of an evaluation: one HTML file, and tables of text for the terminal."""

from .connectivity_table import layout_connectivity
from .data_page import write_data_page
from .outputs import write_outputs
from .people import layout_coverage
from .report import write_report
from .score_table import layout

__all__ = [
    "layout",
    "layout_connectivity",
    "layout_coverage",
    "write_data_page",
    "write_outputs",
    "write_report",
]
