"""Networks in an evaluation: early stopping, and the part they are validated on."""

import numpy as np
import pytest
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import noop

from braindecode_bolt import EEGRegressor, ValidationSplit
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import AlphaHRF
from braindecode_bolt.splits import GapSplit


def network(**kwargs):
    settings = {"max_epochs": 4, "verbose": 0, **kwargs}
    return EEGRegressor(
        "STTransformer", module__num_layers=1, module__embed_dim=16, **settings
    )


def test_early_stopping_ends_one_fit_only(study, tmp_path):
    stopping = EarlyStopping(patience=1, threshold=0.99, sink=noop)
    models = {"net": network(callbacks=[("stop", stopping)]), "alpha": AlphaHRF()}
    found = evaluate(models, study, n_splits=2, out=tmp_path / "out", progress=False)
    assert found.failures.empty
    assert found.scores.groupby("pipeline").size().nunique() == 1
    epochs = found.curves.groupby("fold")["epoch"].max()
    assert (epochs == 2).all()


class Sizes(Callback):
    seen: list = []

    def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
        self.seen.append((len(dataset_train), len(dataset_valid)))


@pytest.mark.parametrize("fraction", [0.2, 0.4])
def test_a_validation_split_of_the_user_is_kept(long_study, fraction):
    """The default is replaced by the validation part of the protocol."""
    Sizes.seen = []
    split = ValidationSplit(fraction)
    model = network(max_epochs=1, callbacks=[Sizes()], train_split=split)
    evaluate({"net": model}, long_study, "within", on_error="raise")
    X, splitter = long_study.windows.X, GapSplit()
    expected = []
    for train, _ in splitter.split(X):
        valid = splitter.validation_rows(X, train)
        parts = np.delete(train, valid), valid
        if split != ValidationSplit():
            parts = split.split(X[train])
        expected.append(tuple(map(len, parts)))
    assert Sizes.seen == expected
