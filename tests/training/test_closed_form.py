"""Heads in closed form behind the encoders of networks."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from skorch.callbacks import Callback

from braindecode_bolt import EEGRegressor, NeuroBOLT, create_bold_windows
from braindecode_bolt.models import NETWORKS
from braindecode_bolt.training import ClosedFormHead, make_estimator

from ..conftest import CH_NAMES, N_TIMES, TINY

#: A head that is fitted in no time.
QUICK = {"n_features": 4, "electrode_length": 0.5, "lag_length": 3.0, "lag_peak": 5.0}
TOKENS = [name for name, network in NETWORKS.items() if network.has_electrode_tokens]


def template():
    torch.manual_seed(0)
    return NeuroBOLT(2, ch_names=CH_NAMES, n_times=N_TIMES, **TINY)


def regressor(module=None, learn_encoder=False, **kwargs):
    head = ClosedFormHead(learn_encoder=learn_encoder, **QUICK)
    settings = {"head": head, "max_epochs": 2, "verbose": 0, "lr": 1e-3}
    return EEGRegressor(module or template(), **settings | kwargs)


@pytest.mark.parametrize("name", TOKENS)
def test_every_network_with_tokens_takes_it(name, windows):
    net = make_estimator(name, "small", head="closed_form", verbose=0, random_state=0)
    net.set_params(head=ClosedFormHead(**QUICK)).fit(windows.X, windows.y)
    mean, std = net.predict(windows.X, return_std=True)
    assert mean.shape == std.shape == windows.y.shape
    assert (std > 0).all() and np.isfinite(mean).all()
    assert net.head_.readout_.coef_.shape == (2, 4, 4, 4)
    # 0.5 to 3.5 s before the end of windows that end 4 s before the volume.
    np.testing.assert_allclose(net.head_.lags_, [7.5, 6.5, 5.5, 4.5])
    assert np.corrcoef(mean[:, 0], windows.y[:, 0])[0, 1] > 0.2


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in TOKENS])
def test_a_network_without_tokens_is_refused(name, windows):
    net = make_estimator(name, "small", head="closed_form", verbose=0)
    with pytest.raises(TypeError, match="has none. NeuroBOLT, LabramBOLD, BIOTBOLD have"):
        net.fit(windows.X[::4], windows.y[::4])


@pytest.mark.parametrize("learn_encoder", [False, True])
def test_fits_repeat_themselves_and_leave_the_template_alone(windows, learn_encoder):
    module = template()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    net = regressor(module, learn_encoder)
    first = net.fit(windows.X, windows.y).predict(windows.X)
    for again in (net.fit(windows.X, windows.y), clone(net).fit(windows.X, windows.y)):
        np.testing.assert_array_equal(again.predict(windows.X), first)
    assert not hasattr(net.head, "readout_"), "the argument is a template, too"
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])
    restored = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(restored.predict(windows.X), first)


def test_an_encoder_that_learns_has_more_evidence(windows):
    net = regressor(learn_encoder=True, max_epochs=4, train_split=None)
    net.fit(windows.X, windows.y)
    losses = net.history[:, "train_loss"]
    assert len(losses) == 4 and losses[-1] < losses[0]
    as_it_was = regressor().fit(windows.X, windows.y)
    assert net.head_.readout_.evidence_ > as_it_was.head_.readout_.evidence_
    before, after = as_it_was.module_.state_dict(), net.module_.state_dict()
    assert not torch.equal(
        *(s["spectral.scales.0.frequency.weight"] for s in (before, after))
    )
    assert torch.equal(*(s["final_layer.weight"] for s in (before, after))), "not used"


class Forgets(Callback):
    """Sets the encoder's weights to zero after each step."""

    def on_batch_end(self, net, training=False, **kwargs):
        with torch.no_grad():
            for parameter in net.module_.parameters():
                parameter.zero_()


def test_weights_of_the_start_are_kept_if_learning_does_not_help(windows, caplog):
    module = template()
    net = regressor(module, learn_encoder=True, max_epochs=1, callbacks=[Forgets()])
    with caplog.at_level("INFO", "braindecode_bolt"):
        net.fit(windows.X, windows.y)
    assert "weights at the start" in caplog.text
    for key, value in module.state_dict().items():
        assert torch.equal(value, net.module_.state_dict()[key])


def test_pure_noise_gives_an_r_of_zero(noise_windows):
    X, y, groups = noise_windows.X, noise_windows.y, noise_windows.groups
    for learn_encoder in (False, True):
        net = regressor(learn_encoder=learn_encoder)
        predicted = np.empty_like(y)
        for train, test in GroupKFold(2).split(X, y, groups):
            predicted[test] = net.fit(X[train], y[train]).predict(X[test])
        r = [np.corrcoef(predicted[:, roi], y[:, roi])[0, 1] for roi in range(2)]
        # Predictions may be constant, where the evidence finds nothing.
        assert abs(np.nanmean([*r, 0.0])) < 0.3


def test_arrays_with_groups_give_what_windows_give(windows):
    # The same prior at all lags: how long before the volume a window ends is unknown to
    # an array.
    head = ClosedFormHead(**{**QUICK, "lag_peak": np.inf})
    lazy, array = regressor(head=head), regressor(head=head)
    lazy.fit(windows.X, windows.y)
    order = np.lexsort((windows.metadata["volume"], windows.metadata["recording"]))
    array.fit(np.asarray(windows.X)[order], windows.y[order], groups=windows.groups[order])
    np.testing.assert_allclose(array.head_.lags_, [3.5, 2.5, 1.5, 0.5])
    one = windows.metadata["recording"].to_numpy() == 0
    predicted = (array.predict(np.asarray(windows.X[one])), lazy.predict(windows.X[one]))
    np.testing.assert_allclose(*predicted, rtol=1e-2, atol=1e-3)


def test_cross_validation_and_grid_search(windows):
    settings = {"groups": windows.groups, "cv": GroupKFold(2)}
    net = regressor()
    scores = cross_val_score(net, windows.X, windows.y, **settings)
    net.fit(windows.X, windows.y)
    again = cross_val_score(net, windows.X, windows.y, **settings)
    np.testing.assert_array_equal(again, scores)
    search = GridSearchCV(net, {"head__n_features": [2, 4]}, cv=GroupKFold(2))
    search.fit(windows.X, windows.y, groups=windows.groups)
    chosen = search.best_params_["head__n_features"]
    assert search.best_estimator_.head_.components_.shape == (400, chosen)


def test_the_number_of_features_is_chosen_by_evidence(windows):
    arguments = {**QUICK, "n_features": "evidence", "rho": 0.5}
    net = regressor(head=ClosedFormHead(**arguments)).fit(windows.X, windows.y)
    found = net.head_.evidence_
    assert list(found) == [4, 8, 16, 32]
    assert net.head_.components_.shape[1] == max(found, key=found.get)


def test_a_stretch_of_calibration_predicts_single_windows(windows):
    net = regressor().fit(windows.X, windows.y)
    one = windows.metadata["recording"].to_numpy() == 1
    whole = net.predict(windows.X[one])
    statistics = net.statistics(windows.X[one])
    for calibration in (statistics, windows.X[one]):
        single = net.predict(windows.X[one][3:4], calibration=calibration)
        np.testing.assert_allclose(single, whole[3:4], rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="a single window"):
        net.predict(windows.X[one][:1])
    with pytest.raises(ValueError, match="of one recording, got 4"):
        net.statistics(windows.X)


def with_channels(recordings, names):
    picked = [replace(r, raw=r.raw.copy().pick(names)) for r in recordings]
    return create_bold_windows(picked, 4.0, lag_seconds=4.0).X


def test_prediction_from_some_electrodes_in_another_order(windows, recordings):
    net = regressor().fit(windows.X, windows.y)
    whole = net.predict(windows.X)
    turned = net.predict(with_channels(recordings, CH_NAMES[::-1]))
    np.testing.assert_allclose(turned, whole, rtol=1e-3, atol=1e-4)
    some = net.predict(with_channels(recordings, ["Oz", "Fz"]))
    assert some.shape == whole.shape
    assert np.corrcoef(some[:, 0], whole[:, 0])[0, 1] > 0.3


def test_one_region_keeps_its_shape(windows):
    net = regressor(NeuroBOLT(1, ch_names=CH_NAMES, n_times=N_TIMES, **TINY))
    mean, std = net.fit(windows.X, windows.y[:, 0]).predict(windows.X, return_std=True)
    assert mean.shape == std.shape == (len(windows.y),)


def test_arguments_are_checked(windows):
    X, y = windows.X, windows.y
    with pytest.raises(ValueError, match="head must be one of linear, closed_form, evi"):
        regressor(head="closed").fit(X, y)
    with pytest.raises(TypeError, match="or a ClosedFormHead, got int"):
        regressor(head=3).fit(X, y)
    with pytest.raises(ValueError, match='standardise must be "recording" or None'):
        regressor(head=ClosedFormHead(standardise="all")).fit(X, y)
    with pytest.raises(ValueError, match="n_features"):
        regressor(head=ClosedFormHead(n_features=0)).fit(X, y)
    with pytest.raises(ValueError, match="Call fit with all windows"):
        regressor().partial_fit(X, y)
    net = EEGRegressor(template(), max_epochs=1, verbose=0).fit(X[::4], y[::4])
    for arguments in ({"return_std": True}, {"calibration": X[:20]}):
        with pytest.raises(ValueError, match="head='closed_form'"):
            net.predict(X[:3], **arguments)
