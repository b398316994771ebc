"""One baseline, one unit and one kind of number on every way into a regressor."""

import warnings

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from skorch.helper import SliceDataset
from torch.utils.data import Subset

from braindecode_bolt import EEGRegressor, create_bold_windows
from braindecode_bolt.linear import AlphaHRF, BandPowerGP, LaggedBandPower, MeanBOLD
from braindecode_bolt.windows.inputs import as_input, as_targets

N_CHANS, N_TIMES = 2, 400


class Offset(torch.nn.Module):
    """Predicts the mean of each window: zero if it was subtracted."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.scale * x.mean(dim=(1, 2))[:, None]


def regressor(**arguments):
    return EEGRegressor(
        Offset, max_epochs=1, lr=0.0, train_split=None, verbose=0, **arguments
    )


@pytest.fixture
def make_windows(make_recording):
    """Windows of EEG with an offset of 50 microvolts."""

    def make(baseline="window", **kwargs):
        recording = make_recording(first=5.0, rois=("A",))
        recording.raw._data += 5e-5
        return create_bold_windows([recording], 2.0, baseline=baseline, **kwargs)

    return make


def as_epochs(windows, baseline=None):
    data = np.asarray(windows.X) * 1e-6
    return mne.EpochsArray(data, windows.X.info, baseline=baseline, verbose="error")


class Pairs(torch.utils.data.Dataset):
    def __init__(self, X, y):
        self.X, self.y = np.asarray(X), y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i], self.y[i]

    @classmethod
    def of(cls, X, y):
        made = cls([], y)
        made.X = X
        return made


#: Windows that keep their offset, in every form that a regressor takes.
FORMS = {
    "lazy": lambda windows: windows.X,
    "array": lambda windows: np.asarray(windows.X),
    "float64": lambda windows: np.asarray(windows.X, dtype=float),
    "tensor": lambda windows: torch.as_tensor(np.asarray(windows.X)),
    "list": lambda windows: list(np.asarray(windows.X)),
    "epochs": as_epochs,
    "list of epochs": lambda windows: [as_epochs(windows)[i] for i in range(len(windows))],
    "braindecode": lambda windows: windows.to_braindecode(),
    "slice": lambda windows: SliceDataset(windows.to_braindecode()),
    "torch": lambda windows: Pairs(windows.X, windows.y),
}


@pytest.mark.parametrize("form", ["braindecode", "slice", "torch"])
@pytest.mark.parametrize("model", [LaggedBandPower, BandPowerGP, AlphaHRF, MeanBOLD])
def test_linear_models_take_data_sets(make_recording, form, model):
    """The same as windows of create_bold_windows where the data set knows as much."""
    recordings = [make_recording(f"0{seed}", seed=seed, first=5.0) for seed in (1, 2, 3)]
    windows = create_bold_windows(recordings, 2.0)
    X, y = FORMS[form](windows), windows.y
    if form == "torch":  # It knows neither channels, rate nor recordings.
        if model is AlphaHRF:
            pytest.skip("it needs the names of the channels")
        given = model(sfreq=windows.sfreq) if model is not MeanBOLD else model()
        plain = np.asarray(windows.X)
    else:
        given, plain = model(), windows.X
    expected = clone(given).fit(plain, y).predict(plain)
    np.testing.assert_allclose(
        clone(given).fit(X, y).predict(X), expected, rtol=1e-3, atol=1e-4
    )
    if form != "slice":  # The targets are in the data set, too.
        np.testing.assert_allclose(
            given.fit(X, None).predict(X), expected, rtol=1e-3, atol=1e-4
        )


def test_windows_of_a_data_set_that_differ_in_length_are_refused():
    short = [np.ones((2, 400), np.float32), np.ones((2, 0), np.float32)]
    for model in (regressor(), LaggedBandPower(sfreq=200.0)):
        with pytest.raises(ValueError, match=r"differ in shape: .* leave their events out"):
            model.fit(Pairs.of(short, np.arange(2.0)), None)


@pytest.mark.parametrize("form", FORMS)
def test_the_mean_is_subtracted_on_every_way_to_predict(make_windows, form):
    fitted = regressor().fit(make_windows().X, make_windows().y)
    assert fitted.baseline_ == "window"
    predicted = fitted.predict(FORMS[form](make_windows(baseline=None)))
    np.testing.assert_allclose(predicted, 0, atol=1e-4)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("lazy", "slice")])
def test_the_mean_is_subtracted_on_every_way_to_fit(make_windows, form):
    """Unless LazyWindows or their data set say that it is kept on purpose."""
    windows = make_windows(baseline=None)
    X = FORMS[form](windows)
    fitted = regressor().fit(
        X,
        None
        if hasattr(X, "__getitem__") and form in ("braindecode", "torch")
        else windows.y,
    )
    kept = form == "braindecode"
    assert fitted.baseline_ == (None if kept else "window")
    assert fitted.history_[-1]["train_loss"] == pytest.approx(
        np.mean((windows.y - 50 * kept) ** 2), rel=1e-2
    )


def test_a_model_that_needs_the_mean_keeps_it(make_windows):
    windows = make_windows(baseline=None)
    fitted = regressor().fit(windows.X, windows.y)
    assert fitted.baseline_ is None
    for form in FORMS.values():
        np.testing.assert_allclose(fitted.predict(form(windows)), 50, rtol=0.1)
    without = make_windows()
    for X in (without.X, without.to_braindecode(), as_epochs(windows, (None, None))):
        with pytest.raises(ValueError, match="keep their mean .baseline=None."):
            fitted.predict(X)


@pytest.mark.parametrize("form", FORMS)
def test_linear_models_do_not_see_the_mean(make_windows, form):
    if form in ("braindecode", "slice", "torch"):
        pytest.skip("linear models take no data sets")
    fitted = LaggedBandPower(segment_seconds=1.0).fit(make_windows().X, make_windows().y)
    expected = fitted.predict(make_windows().X)
    predicted = fitted.predict(FORMS[form](make_windows(baseline=None)))
    np.testing.assert_allclose(predicted, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("wrap", "lag"),
    [
        (lambda windows: windows.X, 1.5),
        (lambda windows: windows.X[3:5], 1.5),
        (lambda windows: windows.to_braindecode(), 1.5),
        (lambda windows: SliceDataset(windows.to_braindecode()), 1.5),
        (lambda windows: Subset(windows.to_braindecode(), [1, 2]), 1.5),
        (lambda windows: windows.to_braindecode().split("subject")["01"], 1.5),
        (lambda windows: np.asarray(windows.X), None),
        (as_epochs, None),
    ],
)
def test_the_lag_is_known(make_windows, wrap, lag):
    assert as_input(wrap(make_windows(lag_seconds=1.5))).lag_seconds == lag


def test_data_sets_of_two_lags_are_refused(make_windows):
    from braindecode.datasets import BaseConcatDataset

    parts = [make_windows(lag_seconds=lag).to_braindecode() for lag in (0.0, 1.5)]
    with pytest.raises(ValueError, match=r"differ in lag_seconds: \[0.0, 1.5\]"):
        as_input(BaseConcatDataset(parts))


def test_of_epochs_scalp_eeg_is_taken(make_windows):
    windows = make_windows()
    epochs = as_epochs(windows).rename_channels({"Cz": "VEOGo"})
    source = as_input(epochs)
    assert source.ch_names == ["Fz"] and source.data.shape[1] == 1


GOOD = 20 * np.random.default_rng(0).standard_normal((6, N_CHANS, N_TIMES))
HIDDEN = np.ma.masked_array(GOOD, mask=np.abs(GOOD) > 60)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (GOOD.astype(str), TypeError, "X must be real numbers, got an array of <U"),
        (GOOD.astype(str).tolist(), TypeError, "X must be real numbers"),
        (GOOD.astype(object), TypeError, "X must be real numbers, got an array of object"),
        (GOOD + 1j, TypeError, "X must be real numbers, got an array of complex128"),
        (list(GOOD + 1j), TypeError, "X must be real numbers"),
        (torch.as_tensor(GOOD + 1j), TypeError, "got an array of torch.complex128"),
        (torch.as_tensor(GOOD).to_sparse(), TypeError, "X must be real numbers"),
        (HIDDEN, ValueError, "X has .* masked values"),
        (list(HIDDEN), ValueError, "X has .* masked values"),
        (GOOD * 1e40, ValueError, "infinite in float32"),
        (torch.as_tensor(GOOD * 1e40), ValueError, "infinite in float32"),
        (list(GOOD * 1e40), ValueError, "infinite in float32"),
        (GOOD[:0], ValueError, "X has no windows"),
        (GOOD[0], ValueError, "X must be windows of shape"),
    ],
)
def test_windows_that_are_no_numbers_are_refused(X, error, message):
    """Without check_input too: they would be read as other numbers."""
    y = np.arange(6.0)
    with pytest.raises(error, match=message):
        regressor(check_input=False).fit(X, y[: len(X)])
    fitted = regressor(check_input=False).fit(GOOD, y)
    with pytest.raises(error, match=message):
        fitted.predict(X)


def test_infinite_values_are_not_taken_for_large_ones():
    broken = GOOD.copy()
    broken[1, 0, 3] = np.inf
    with pytest.raises(ValueError, match="X has 1 NaN or infinite values"):
        regressor().fit(broken, np.arange(6.0))


@pytest.mark.parametrize("kind", [int, np.float16, np.float32, np.float64, np.longdouble])
def test_any_real_numbers_will_do(kind):
    source = as_input(GOOD.astype(kind))
    targets, _ = as_targets((np.arange(6) + 1).astype(kind), source)
    assert targets.dtype == np.float32 and targets[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert source.sample().dtype == np.float32


def test_an_array_without_masked_values_is_an_array():
    assert len(as_input(np.ma.masked_array(GOOD)).data) == 6


Y = np.arange(6.0)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (Y.astype(str), TypeError, "y must be real numbers"),
        (Y.astype(str).tolist(), TypeError, "y must be real numbers"),
        (Y + 1j, TypeError, "y must be real numbers, got an array of complex128"),
        (torch.as_tensor(Y + 1j), TypeError, "y must be real numbers"),
        (pd.DataFrame({"A": Y.astype(str)}), TypeError, "y must be real numbers"),
        (Y.astype(str).astype(object), TypeError, "y must be real numbers"),
        (np.array([None] * 6), ValueError, "y has 6 non-finite values"),
        (pd.date_range("2024-01-01", periods=6), TypeError, "y must be real numbers"),
        (np.ma.masked_greater(Y, 4), ValueError, "y has 1 masked values"),
        (Y * 1e39, ValueError, "y has 5 values .* infinite in float32"),
        (Y * np.nan, ValueError, "y has 6 non-finite values"),
    ],
)
@pytest.mark.parametrize("model", ["network", "linear"])
def test_targets_that_are_no_numbers_are_refused(model, y, error, message):
    estimator = regressor() if model == "network" else LaggedBandPower(segment_seconds=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=message):
            estimator.fit(GOOD, y)


@pytest.mark.parametrize(
    "y",
    [
        Y,
        Y.tolist(),
        torch.as_tensor(Y),
        pd.Series(Y),
        Y.astype(object),
        pd.DataFrame({"A": Y}),
    ],
)
def test_targets_may_come_in_any_form(y):
    targets, _ = as_targets(y, as_input(GOOD))
    np.testing.assert_array_equal(targets[:, 0], Y)
