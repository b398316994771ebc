"""Errors of predictors."""

__all__ = ["PredictorError"]


class PredictorError(ValueError):
    """A folder does not hold a predictor that can be used here."""
