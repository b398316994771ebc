"""Artifacts in EEG from a scanner: spans to leave out, and residues of corrections."""

from .residue import residual_artifacts, residual_gradient
from .spans import mark_artifacts

__all__ = ["mark_artifacts", "residual_artifacts", "residual_gradient"]
