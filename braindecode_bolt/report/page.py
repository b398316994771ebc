"""What the HTML pages share: templates, how numbers are written, figures as text."""

from __future__ import annotations

import base64
import io
from importlib.resources import files
from typing import Any

import jinja2
from matplotlib.figure import Figure

from .._text import counted
from .score_table import format_interval, format_number, format_p, format_percent

_DPI = 150


def render(name: str, content: dict[str, Any], **filters: Any) -> str:
    """Fill a template of this folder; text from elsewhere is escaped.

    Parameters
    ----------
    name : str
        File name of the template.
    content : dict
        Its variables; one that is missing is an error.
    **filters
        Further filters of the template.

    Returns
    -------
    str
        HTML.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_template),
    )
    environment.filters |= {
        "counted": counted,
        "interval": format_interval,
        "number": format_number,
        "p": format_p,
        "percent": format_percent,
        "thousands": "{:,}".format,
        **filters,
    }
    return environment.get_template(name).render(content)


def _template(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def encode_figure(figure: Figure) -> dict[str, Any]:
    """Encode a figure as PNG for an img tag, with its width in pixels of the page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    width, _ = figure.get_size_inches() * 96
    return {
        "data": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "width": round(width),
    }
