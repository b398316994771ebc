import pickle
from functools import partial

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from braindecode_bolt import Recording, create_bold_windows
from braindecode_bolt.linear import BandPower
from braindecode_bolt.metrics import pearson_per_recording, pearson_pooled, pearson_r


class Given(RegressorMixin, BaseEstimator):
    """Predicts what it is given."""

    def __init__(self, predicted=None):
        self.predicted = predicted

    def predict(self, X):
        return self.predicted


@pytest.fixture(scope="module")
def two_runs(recordings):
    """Two subjects with two runs each."""
    return create_bold_windows(
        Recording(recording.raw, f"{number // 2}", None, f"{number % 2}")
        for number, recording in enumerate(recordings)
    )


@pytest.fixture
def predicted(windows):
    rng = np.random.default_rng(0)
    return windows.y + rng.standard_normal(windows.y.shape)


def expected(y, predicted, recordings):
    return np.mean(
        [pearson_r(y[recordings == r], predicted[recordings == r]) for r in set(recordings)]
    )


def test_mean_over_recordings_of_the_r_of_each(windows, predicted):
    recordings = windows.metadata["recording"].to_numpy()
    r = pearson_per_recording(Given(predicted), windows.X, windows.y)
    assert r == pytest.approx(expected(windows.y, predicted, recordings))
    pooled = pearson_pooled(Given(predicted), windows.X, windows.y)
    assert pooled == pytest.approx(pearson_r(windows.y, predicted).mean())
    shifted = predicted + 100 * recordings[:, None]
    assert pearson_per_recording(Given(shifted), windows.X, windows.y) == pytest.approx(r)
    assert pearson_pooled(Given(shifted), windows.X, windows.y) < 0.5 * pooled


def test_what_the_windows_know_comes_before_groups(windows, predicted):
    r = pearson_per_recording(Given(predicted), windows.X, windows.y)
    others = np.zeros(len(windows), int)
    assert pearson_per_recording(Given(predicted), windows.X, windows.y, others) == r


def test_one_region_may_be_one_dimensional(windows, predicted):
    y, p = windows.y[:, 0], predicted[:, 0]
    for scorer in (pearson_per_recording, pearson_pooled):
        r = scorer(Given(p), windows.X, y)
        assert r == scorer(Given(p[:, None]), windows.X, y[:, None])


def test_undefined_r_is_left_out_and_counted(windows, predicted):
    recordings = windows.metadata["recording"].to_numpy()
    constant = predicted.copy()
    constant[recordings == 1, 0] = 3.0
    each = [
        pearson_r(windows.y[recordings == r], predicted[recordings == r]) for r in range(4)
    ]
    each[1][0] = np.nan
    with pytest.warns(UserWarning, match="for 1 of 8 recordings and regions") as caught:
        r = pearson_per_recording(Given(constant), windows.X, windows.y)
    assert len(caught) == 1 and r == pytest.approx(np.nanmean(each))
    with pytest.warns(UserWarning, match="for 8 of 8 recordings and regions"):
        nothing = Given(np.ones_like(predicted))
        assert np.isnan(pearson_per_recording(nothing, windows.X, windows.y))
    with pytest.warns(UserWarning, match="for 2 of 2 regions"):
        assert np.isnan(pearson_pooled(nothing, windows.X, windows.y))


def test_cross_validation_by_subject(windows):
    folds = {"groups": windows.groups, "cv": GroupKFold(2)}
    scoring = {"r": pearson_per_recording, "pooled": pearson_pooled}
    model = make_pipeline(BandPower(), Ridge())
    scores = cross_validate(model, windows.X, windows.y, scoring=scoring, **folds)
    split = GroupKFold(2).split(windows.X, windows.y, windows.groups)
    for fold, (train, test) in enumerate(split):
        fitted = clone(model).fit(windows.X[train], windows.y[train])
        recordings = windows.metadata["recording"].to_numpy()[test]
        r = expected(windows.y[test], fitted.predict(windows.X[test]), recordings)
        assert scores["test_r"][fold] == pytest.approx(r)
    alone = cross_val_score(
        model, windows.X, windows.y, scoring=pearson_per_recording, **folds
    )
    np.testing.assert_allclose(alone, scores["test_r"])


def test_grid_search_chooses_by_it(windows):
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(np.asarray), _Flat(), Ridge()),
        {"ridge__alpha": [1.0, 1e6]},
        cv=GroupKFold(2),
        scoring=pearson_per_recording,
    )
    search.fit(windows.X, windows.y, groups=windows.groups)
    r = pearson_per_recording(search.best_estimator_, windows.X, windows.y)
    assert search.score(windows.X, windows.y) == r
    assert "pearson_per_recording" in repr(clone(search))


class _Flat(FunctionTransformer):
    def __init__(self):
        super().__init__(lambda x: x.reshape(len(x), -1)[:, ::50])


@pytest.fixture
def arrays(two_runs):
    X = np.log(np.asarray(two_runs.X).var(axis=-1))
    return X, two_runs.y, two_runs.groups, two_runs.metadata["recording"].to_numpy()


def test_routing_brings_groups_of_arrays_to_the_scorer(arrays):
    X, y, _, recordings = arrays
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            Ridge(),
            X,
            y,
            cv=GroupKFold(2),
            params={"groups": recordings},
            scoring=pearson_per_recording,
        )
    for score, (train, test) in zip(
        scores, GroupKFold(2).split(X, y, recordings), strict=True
    ):
        predicted = Ridge().fit(X[train], y[train]).predict(X[test])
        assert score == pytest.approx(expected(y[test], predicted, recordings[test]))


def test_recordings_may_go_by_another_name_than_the_groups_of_the_splitter(arrays):
    X, y, subjects, recordings = arrays
    with config_context(enable_metadata_routing=True):
        scoring = pearson_per_recording.set_score_request(groups="recordings")
        assert repr(scoring) == (
            "pearson_per_recording.set_score_request(groups='recordings')"
        )
        settings = {"cv": GroupKFold(2), "scoring": scoring}
        params = {"groups": subjects, "recordings": recordings}
        scores = cross_val_score(Ridge(), X, y, params=params, **settings)
        search = GridSearchCV(Ridge(), {"alpha": [1.0]}, **settings).fit(X, y, **params)
        several = {**settings, "scoring": {"r": scoring, "pooled": pearson_pooled}}
        both = cross_validate(Ridge(), X, y, params=params, **several)
    assert search.best_score_ == pytest.approx(scores.mean())
    np.testing.assert_allclose(both["test_r"], scores)
    for score, (train, test) in zip(
        scores, GroupKFold(2).split(X, y, subjects), strict=True
    ):
        predicted = Ridge().fit(X[train], y[train]).predict(X[test])
        assert score == pytest.approx(expected(y[test], predicted, recordings[test]))
    # The instance that is imported has not changed.
    assert repr(pearson_per_recording) == "pearson_per_recording"


def test_windows_need_no_routing_but_go_along_with_it(windows):
    settings = {"cv": GroupKFold(2), "scoring": pearson_per_recording}
    model = make_pipeline(BandPower(), Ridge())
    without = cross_val_score(
        model, windows.X, windows.y, groups=windows.groups, **settings
    )
    with config_context(enable_metadata_routing=True):
        params = {"groups": windows.groups}
        routed = cross_val_score(model, windows.X, windows.y, params=params, **settings)
        settings["scoring"] = pearson_per_recording.set_score_request(groups=None)
        with pytest.raises(UnsetMetadataPassedError, match="groups"):
            cross_val_score(model, windows.X, windows.y, params=params, **settings)
    np.testing.assert_allclose(routed, without)


def test_arrays_without_groups_are_an_error(arrays):
    X, y, _, recordings = arrays
    model = Ridge().fit(X, y)
    with pytest.raises(ValueError, match="does not say which recording.*metadata_routing"):
        pearson_per_recording(model, X, y)
    r = pearson_per_recording(model, X, y, groups=recordings)
    assert r == partial(pearson_per_recording, groups=recordings)(model, X, y)
    settings = {"cv": GroupKFold(2), "groups": recordings, "error_score": "raise"}
    with pytest.raises(ValueError, match="does not say which recording"):
        cross_val_score(model, X, y, scoring=pearson_per_recording, **settings)
    whole = partial(pearson_per_recording, groups=recordings)
    with pytest.raises(ValueError, match="recording of each of.*cut into folds"):
        cross_val_score(model, X, y, scoring=whole, **settings)


def test_braindecode_data_sets_know_their_recordings(windows, predicted):
    from skorch.helper import SliceDataset

    X = SliceDataset(windows.to_braindecode())
    r = pearson_per_recording(Given(predicted), X, windows.y)
    assert r == pytest.approx(pearson_per_recording(Given(predicted), windows.X, windows.y))


def test_the_scorer_can_be_sent_to_other_processes():
    asked = pearson_per_recording.set_score_request(groups="runs")
    assert pickle.loads(pickle.dumps(asked)).groups == "runs"
