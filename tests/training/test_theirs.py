"""Models of braindecode by name: every one in its registry."""

import mne
import numpy as np
import pytest
import torch
from braindecode.models import EEGNet
from braindecode.models.util import interpolated_models_dict, models_dict
from torch import nn

from braindecode_bolt import EEGRegressor, LazyWindows, create_bold_windows
from braindecode_bolt._catalogue import BRAINDECODE
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.models._theirs import build_theirs
from braindecode_bolt.training import FineTuneRegressor, estimator_names, make_estimator

THEIRS = {
    name: model
    for name, model in {**models_dict, **interpolated_models_dict}.items()
    if model.__module__.startswith("braindecode.models.")
}
WORKING = [name for name, entry in BRAINDECODE.items() if not entry.cannot]
#: Channels; some models for electromyography need 16.
NAMES = (
    "Fp1 Fp2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 Fz Cz FC1 FC2 CP1 CP2 FC5 FC6 P7 P8 Pz Oz"
).split()
FAST = {"max_epochs": 1, "batch_size": 2, "verbose": 0, "train_split": None}
#: They take seconds for a step of training; here they only predict.
SLOW = ("DeepSleepNet", "STEEGFormer", "EEGInceptionMI", "InterpolatedBENDR", "ZUNA")
SLOW += ("CodeBrain", "DANCE", "InterpolatedEEGPT")


@pytest.fixture(scope="module")
def make_windows():
    """Make a few windows of noise."""

    def make(n_chans=16, n_times=800, sfreq=200.0, n_windows=3, scale=10.0, names=NAMES):
        rng = np.random.default_rng(0)
        info = mne.create_info(list(names[:n_chans]), sfreq, "eeg")
        signal = scale * rng.standard_normal((n_chans, n_times + 100 * n_windows))
        table = create_bold_windows(
            SimulatedEEGfMRI(1, duration=60.0, ch_names=["Cz"], rois=["A"]).load(), 4.0
        ).metadata.iloc[:n_windows]
        start = 100 * np.arange(n_windows)
        table = table.assign(start=start, stop=start + n_times)
        y = rng.standard_normal((n_windows, 5)).astype(np.float32)
        return LazyWindows([signal.astype(np.float32)], table, info), y

    return make


def test_the_catalogue_lists_every_model_of_braindecode():
    assert set(BRAINDECODE) == set(THEIRS)
    assert set(WORKING) < set(estimator_names(braindecode=True))
    assert not set(BRAINDECODE) & set(estimator_names())


@pytest.mark.filterwarnings("ignore::UserWarning")  # Theirs, about sizes.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", WORKING)
def test_every_model_gives_a_number_per_region(name, make_windows):
    dense = BRAINDECODE[name].dense
    X, y = make_windows(n_times=2200 if dense else 800, n_windows=2)
    net = make_estimator(name.lower(), "small", **FAST)
    if name in SLOW:
        net.set_params(lr=0.0, max_epochs=1)
        net._train = lambda *args: net
    net.fit(X, y)
    predicted = net.predict(X)
    assert predicted.shape == (2, 5) and predicted.dtype == np.float32
    assert np.isfinite(predicted).all()
    assert type(net.module_).__module__.startswith("braindecode.models.")


@pytest.mark.parametrize("name", sorted(set(BRAINDECODE) - set(WORKING)))
def test_why_the_others_cannot(name, make_windows):
    with pytest.raises(ValueError, match="cannot predict BOLD: it"):
        make_estimator(name)
    X, y = make_windows()
    with pytest.raises(ValueError, match=BRAINDECODE[name].cannot[:20]):
        EEGRegressor(name, **FAST).fit(X, y)


@pytest.mark.parametrize("name", WORKING)
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_number_of_parameters(name):
    if name.startswith("Interpolated"):
        pytest.skip("as the model that it wraps; making its matrix is slow")
    info = mne.create_info(NAMES, 200.0, "eeg")
    signal = {"n_chans": 26, "n_times": 3200, "sfreq": 200.0, "n_outputs": 64}
    try:
        with torch.device("meta"):
            model = build_theirs(THEIRS[name], {**signal, "chs_info": info["chs"]}, {})
    except (ValueError, NotImplementedError):
        # It computes with its weights when it is made.
        model = build_theirs(THEIRS[name], {**signal, "chs_info": info["chs"]}, {})
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    assert millions == pytest.approx(BRAINDECODE[name].millions, rel=0.01, abs=1e-4)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("CBraMod", {"n_times": 750}, "needs 200 Hz, whole seconds"),
        ("LUNA", {"n_times": 790}, "multiples of 40 samples"),
        ("NeuroPose", {"n_chans": 4}, "needs at least 16 channels"),
        ("SleepStagerBlanco2020", {"n_chans": 5}, "an even number of channels"),
        ("ShallowFBCSPNet", {"n_chans": 1}, "at least 2 channels"),
        ("EEGPT", {"n_times": 50}, "at least 0.32 s"),
        ("VEMG2Pose", {}, "more than 1790 samples"),
        ("EMG2QwertyNet", {}, "at least 2048 samples"),
    ],
)
def test_an_error_says_what_a_model_needs(name, shape, said, make_windows):
    X, y = make_windows(**shape)
    with pytest.raises(ValueError, match=said) as caught:
        make_estimator(name, "small", **FAST).fit(X, y)
    assert f"{X.shape[1]} channels x {X.shape[2]} samples at 200 Hz" in str(caught.value)


def test_electrodes_without_a_position_are_named(make_windows):
    X, y = make_windows(n_chans=3, names=["Fz", "Cz", "X7"])
    for name in ("REVE", "LUNA"):
        with pytest.raises(ChannelNameError, match="position, and that of X7 is not"):
            make_estimator(name, "small", **FAST).fit(X, y)


def test_windows_are_divided_by_one_number(make_windows):
    X, y = make_windows(scale=7.0)
    of = {
        name: make_estimator(name, "small", **FAST).fit(X, y).input_scale_
        for name in ("EEGNet", "Labram", "BEIRA")
    }
    assert of["EEGNet"] == pytest.approx(7.0, rel=0.1)
    assert of["Labram"] == 100.0 and of["BEIRA"] == 1.0
    # A fit to windows of another unit predicts the same.
    net = make_estimator("EEGNet", **FAST, check_input=False)
    first = net.fit(X, y).predict(X)
    tenfold = make_windows(scale=70.0)[0]
    np.testing.assert_allclose(net.fit(tenfold, y).predict(tenfold), first, atol=1e-4)
    given = EEGRegressor("EEGNet", **FAST, input_scale=50.0).fit(X, y)
    assert given.input_scale_ == 50.0
    assert EEGRegressor(Own(5), **FAST).fit(X, y).input_scale_ == 1.0
    for wrong in (0.0, -1.0, "recording"):
        with pytest.raises(ValueError, match="input_scale"):
            EEGRegressor("EEGNet", **FAST, input_scale=wrong).fit(X, y)


class Own(nn.Module):
    """A user's network."""

    def __init__(self, n_outputs):
        super().__init__()
        self.last = nn.Linear(16, n_outputs)

    def forward(self, x):
        return self.last(x.abs().mean(dim=-1))


def test_a_fine_tuned_model_keeps_its_scale(make_windows):
    X, y = make_windows(n_windows=6)
    parts = ["rest"] * 3 + ["movie"] * 3
    table = X.metadata.assign(task=parts, recording=[0] * 3 + [1] * 3)
    X = X.with_signals([X.signals[0], X.signals[0]], table)
    model = FineTuneRegressor(make_estimator("EEGNet", **FAST), "movie").fit(X, y)
    assert model.estimator_.input_scale_ == model.pretrained_.input_scale_


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_instance_and_a_class_are_scaled_too(make_windows):
    X, y = make_windows()
    instance = EEGNet(n_outputs=5, n_chans=16, n_times=800, sfreq=200.0)
    for module in (instance, EEGNet):
        net = EEGRegressor(module, **FAST).fit(X, y)
        assert net.input_scale_ == pytest.approx(10.0, rel=0.1)
        assert net.predict(X).shape == y.shape


def test_names_that_nobody_knows():
    rng = np.random.default_rng(0)
    some = 10 * rng.normal(size=(20, 4, 800)), rng.normal(size=(20, 1))
    misspelt = EEGRegressor("ShallowFBCSPNet", module__n_filters_tim=8)
    with pytest.raises(
        TypeError, match=r"ShallowFBCSPNet takes no .*\. Did you mean.*_time\?"
    ):
        misspelt.fit(*some)
    with pytest.raises(TypeError, match=r"must be a torch\.nn\.Module.*class 'object'"):
        EEGRegressor(object).fit(*some)
    with pytest.raises(ValueError, match=r"no network 'EEGNett'.*Did you mean EEGNet"):
        make_estimator("EEGNett")
    with pytest.raises(ValueError, match="no network 'Nothing'"):
        EEGRegressor("Nothing").initialize_module()


def test_a_model_of_braindecode_learns(windows):
    """With a strong coupling it is better than the mean of the training BOLD."""
    net = make_estimator(
        "ShallowFBCSPNet", lr=3e-3, max_epochs=15, batch_size=8, train_split=None, verbose=0
    )
    test = windows.groups == "04"
    net.fit(windows.X[~test], windows.y[~test])
    error = np.mean((net.predict(windows.X[test]) - windows.y[test]) ** 2)
    of_mean = np.mean((windows.y[~test].mean(axis=0) - windows.y[test]) ** 2)
    assert error < 0.9 * of_mean
