"""Small estimators that tests evaluate; here, so that other processes find them."""

import os
import signal
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from braindecode_bolt import EEGRegressor


def tiny(**kwargs):
    """Make a network that trains in no time."""
    arguments = {
        "module__num_layers": 1,
        "module__embed_dim": 16,
        "max_epochs": 2,
        "verbose": 0,
        **kwargs,
    }
    return EEGRegressor("STTransformer", **arguments)


class Remember(RegressorMixin, BaseEstimator):
    """Predict the training mean with a trend, and keep what was seen."""

    seen = []

    def fit(self, X, y):
        self.mean_ = y.mean(axis=0)
        Remember.seen.append(("fit", X.metadata.copy(), np.asarray(y)))
        return self

    def predict(self, X):
        # All windows are also replaced by one, to see what does not come from EEG.
        if len(X) == 1 or X.metadata["start"].nunique() > 1:
            Remember.seen.append(("predict", X.metadata.copy(), None))
        shape = (len(X), np.size(self.mean_))
        return np.broadcast_to(self.mean_, shape) + 1e-3 * np.arange(len(X))[:, None]


class Fails(RegressorMixin, BaseEstimator):
    """Fail where a subject is trained on."""

    def __init__(self, subject="01"):
        self.subject = subject

    def fit(self, X, y):
        if self.subject in set(X.metadata["subject"]):
            raise RuntimeError(f"subject {self.subject} is not for training")
        self.n_ = y.shape[1]
        return self

    def predict(self, X):
        return np.arange(len(X))[:, None] * np.ones(self.n_)


class Seeded(RegressorMixin, BaseEstimator):
    """Noise that depends on the seed."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.n_ = y.shape[1]
        return self

    def predict(self, X):
        rng = np.random.default_rng(self.random_state)
        return rng.standard_normal((len(X), self.n_))


class Oracle(RegressorMixin, BaseEstimator):
    """Know the BOLD before noise was added, by recording and volume."""

    def __init__(self, truth=None):
        self.truth = truth

    def fit(self, X, y):
        return self

    def predict(self, X):
        rows = X.metadata[["recording", "volume"]].to_numpy()
        return np.array([self.truth[tuple(row)] for row in rows])


class Slow(RegressorMixin, BaseEstimator):
    """Take some time, and note in a folder that a fit began, and where."""

    def __init__(self, folder=None, seconds=0.5, random_state=0):
        self.folder = folder
        self.seconds = seconds
        self.random_state = random_state

    def fit(self, X, y):
        name = f"{time.time_ns()}_{os.getpid()}"
        (Path(self.folder) / name).touch()
        time.sleep(self.seconds)
        self.mean_ = y.mean(axis=0)
        self.power_ = np.asarray(X[:3]).std()
        return self

    def predict(self, X):
        drive = np.array([X[i].std() for i in range(len(X))])[:, None]
        return self.mean_ + self.power_ * drive


class Warns(RegressorMixin, BaseEstimator):
    """Warn, and predict a constant."""

    def fit(self, X, y):
        import warnings

        warnings.warn("the moon is full", stacklevel=1)
        self.mean_ = y.mean(axis=0)
        return self

    def predict(self, X):
        return np.tile(self.mean_, (len(X), 1))


class Dies(Slow):
    """Kill the process of the fit that is the one to do so, as a full memory does."""

    def __init__(self, folder=None, subject="01", random_state=0):
        super().__init__(folder, 0.2, random_state)
        self.subject = subject

    def fit(self, X, y):
        super().fit(X, y)
        if self.subject not in set(X.metadata["subject"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return self
