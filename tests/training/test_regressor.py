import copy
import inspect
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import replace

import joblib
import mne
import numpy as np
import pytest
import torch
from braindecode.models import ShallowFBCSPNet
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from skorch.callbacks import Callback, EarlyStopping
from skorch.exceptions import NotInitializedError
from skorch.helper import SliceDataset
from skorch.utils import noop
from torch import nn

from braindecode_bolt import EEGRegressor, NeuroBOLT, create_bold_windows
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.training import CorrelationLoss

from ..conftest import CH_NAMES, N_TIMES, TINY, WINDOW

FAST = {"max_epochs": 2, "verbose": 0, "lr": 1e-3}
BY_NAME = {f"module__{name}": value for name, value in TINY.items()}


def template(n_outputs=2, **kwargs):
    return NeuroBOLT(n_outputs, ch_names=CH_NAMES, n_times=N_TIMES, **{**TINY, **kwargs})


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


@pytest.fixture(scope="module")
def windows(recordings):
    """Two subjects are enough here."""
    return create_bold_windows(recordings[:2], WINDOW, lag_seconds=4.0)


@pytest.fixture(scope="module")
def fitted(windows):
    return EEGRegressor("NeuroBOLT", **BY_NAME, **FAST).fit(windows.X, windows.y)


# Arguments and results of fit


def test_fit_returns_itself_and_predicts_in_the_shape_of_y(windows):
    net = EEGRegressor(template(), **FAST)
    assert net.fit(windows.X, windows.y) is net
    assert net.predict(windows.X).shape == windows.y.shape
    assert -1 < net.score(windows.X, windows.y) < 1
    one = EEGRegressor(template(1), **FAST)
    assert one.fit(windows.X, windows.y[:, 0]).predict(windows.X).shape == (len(windows),)
    column = one.fit(windows.X, windows.y[:, :1]).predict(windows.X)
    assert column.shape == (len(windows), 1)


@pytest.mark.parametrize("module", ["name", "class", "instance"])
def test_module_by_name_class_and_instance(windows, module):
    by = {"name": "NeuroBOLT", "class": NeuroBOLT, "instance": template()}[module]
    arguments = BY_NAME if module != "instance" else {}
    net = EEGRegressor(by, **arguments, **FAST).fit(windows.X, windows.y)
    assert net.module_.ch_names == CH_NAMES
    assert net.predict(windows.X[:3]).shape == (3, 2)


def test_every_form_of_windows_gives_the_same_model(windows):
    array = np.asarray(windows.X)
    dataset = windows.to_braindecode()
    groups = windows.groups
    forms = {
        "lazy": (windows.X, windows.y, groups),
        "array": (array, windows.y, groups),
        "float64": (array.astype(float), windows.y.astype(float), groups),
        "tensor": (torch.from_numpy(array), torch.from_numpy(windows.y), groups),
        "list": (list(array), windows.y.tolist(), list(groups)),
        "slices": (SliceDataset(dataset), windows.y, groups),
        "data set": (dataset, None, groups),
    }
    predictions = {}
    for name, (X, y, groups) in forms.items():
        net = EEGRegressor(template(), **FAST)
        net.module.load_state_dict(_SAME)
        predictions[name] = net.fit(X, y, groups=groups).predict(X)
    for name, predicted in predictions.items():
        # Data sets of braindecode pass through volts: rounding, no more.
        np.testing.assert_allclose(
            predicted, predictions["lazy"], rtol=0, atol=2e-4, err_msg=name
        )


_SAME = template().state_dict()


def test_epochs_are_turned_into_microvolts(windows):
    info = mne.create_info(CH_NAMES, 200.0, "eeg")
    volts = np.asarray(windows.X, dtype=float) * 1e-6
    epochs = mne.EpochsArray(volts, info, verbose="error")
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST)
    from_epochs = net.fit(epochs, windows.y, groups=windows.groups).predict(epochs)
    assert net.module_.ch_names == CH_NAMES
    from_windows = net.fit(windows.X, windows.y).predict(windows.X)
    np.testing.assert_allclose(from_epochs, from_windows, rtol=0, atol=2e-4)


def test_one_dimensional_targets_of_a_data_set_do_not_broadcast(windows):
    dataset = windows.to_braindecode()
    for part in dataset.datasets:
        part.y = [np.float32(target[0]) for target in part.y]
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST).fit(dataset)
    assert net.predict(dataset).shape == (len(dataset),)
    same = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST).fit(windows.X, windows.y[:, 0])
    np.testing.assert_allclose(
        net.history[:, "train_loss"], same.history[:, "train_loss"], rtol=1e-3
    )


def test_data_sets_smaller_than_a_batch_are_trained_on(windows):
    net = EEGRegressor(template(), batch_size=128, train_split=None, **FAST)
    net.fit(windows.X[:10], windows.y[:10])
    assert not torch.equal(weights(net.module_), weights(net.module))


def test_refitting_takes_on_other_shapes(windows, recordings):
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST)
    assert net.fit(windows.X, windows.y).module_.n_outputs == 2
    longer = create_bold_windows(recordings, 8.0)
    net.fit(longer.X, longer.y[:, 0])
    assert net.module_.n_outputs == 1 and net.module_.n_times == 1600
    array = np.asarray(windows.X)[:, :2]
    net.set_params(module__ch_names=["Fp1", "Fp2"])
    net.fit(array, windows.y, groups=windows.groups)
    assert net.module_.ch_names == ["Fp1", "Fp2"]
    assert "module__n_outputs" not in net.get_params()


def test_pickle_and_joblib_keep_the_predictions(fitted, windows, tmp_path):
    expected = fitted.predict(windows.X[:5])
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict(windows.X[:5]), expected)
    joblib.dump(fitted, tmp_path / "net.joblib")
    back = joblib.load(tmp_path / "net.joblib")
    np.testing.assert_array_equal(back.predict(windows.X[:5]), expected)


def test_other_models_of_braindecode_train_and_pickle(windows):
    net = EEGRegressor("ShallowFBCSPNet", **FAST).fit(windows.X, windows.y)
    assert net.predict(windows.X[:3]).shape == (3, 2)


def test_labram_is_told_its_channels_and_can_be_pickled(windows):
    net = EEGRegressor("Labram", module__num_layers=1, **FAST).fit(windows.X, windows.y)
    back = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(back.predict(windows.X[:3]), net.predict(windows.X[:3]))


def test_partial_fit_continues_training(windows):
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST).partial_fit(windows.X, windows.y)
    before = weights(net.module_).clone()
    net.partial_fit(windows.X, windows.y)
    assert len(net.history) == 4
    assert not torch.equal(weights(net.module_), before)


# An instance is a template


def test_no_fit_changes_the_instance(windows):
    module = template()
    before = weights(module).clone()
    net = EEGRegressor(module, **FAST)
    first = net.fit(windows.X, windows.y).predict(windows.X)
    assert torch.equal(weights(module), before)
    assert net.module is module and net.module_ is not module
    second = net.fit(windows.X, windows.y).predict(windows.X)
    np.testing.assert_array_equal(first, second)


def test_no_fit_changes_an_argument(windows):
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST)
    before = net.get_params(deep=False)
    net.fit(windows.X, windows.y, groups=windows.groups)
    assert net.get_params(deep=False) == before


def test_module_parameters_merge_with_the_instances_own(windows):
    module = template(drop_prob=0.3, spectral_depth=2)
    net = EEGRegressor(module, module__num_layers=2, **FAST).fit(windows.X, windows.y)
    config = net.module_.get_config()
    assert (config["num_layers"], config["drop_prob"]) == (2, 0.3)
    assert config["spectral_depth"] == 2 and config["ch_names"] == CH_NAMES
    assert len(module.spatiotemporal.blocks) == 1


def _load(module):
    module.load_state_dict(template().state_dict())


def _train(module):
    module.final_layer.bias.data.add_(1.0)


def _flip(module):
    module.final_layer.weight.data.neg_()


def _permute(module):
    weight = module.final_layer.weight.data
    weight.copy_(weight.flip(1))


@pytest.mark.parametrize("change", [_load, _train, _flip, _permute])
def test_merging_never_loses_weights(windows, change):
    module = template()
    assert not module.weights_changed
    change(module)
    assert module.weights_changed
    net = EEGRegressor(module, module__num_layers=2, **FAST)
    with pytest.raises(ValueError, match="lose the loaded or trained weights"):
        net.fit(windows.X, windows.y)
    kept = EEGRegressor(module, train_split=None, max_epochs=1, lr=0.0, verbose=0)
    kept.fit(windows.X, windows.y)
    assert torch.equal(weights(kept.module_), weights(module))


def test_merging_into_other_modules(windows):
    module = ShallowFBCSPNet(n_chans=4, n_outputs=2, n_times=N_TIMES)
    net = EEGRegressor(module, module__drop_prob=0.1, **FAST)
    with pytest.warns(UserWarning, match="a new ShallowFBCSPNet is built"):
        net.fit(windows.X, windows.y)
    assert net.module_.drop_prob == 0.1
    plain = nn.Sequential(nn.Flatten(), nn.Linear(4 * N_TIMES, 2))
    assert EEGRegressor(plain, **FAST).fit(windows.X, windows.y).predict(windows.X).shape
    with pytest.raises(TypeError, match="has no get_config"):
        EEGRegressor(plain, module__bias=False, **FAST).fit(windows.X, windows.y)


# Randomness


def test_the_seed_decides_and_global_generators_are_left_alone(windows):
    def predictions(seed):
        net = EEGRegressor("NeuroBOLT", **BY_NAME, random_state=seed, **FAST)
        return net.fit(windows.X, windows.y).predict(windows.X)

    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(3)
    np.random.seed(3)
    first = predictions(7)
    assert (torch.rand(1), np.random.rand()) == expected
    np.testing.assert_array_equal(first, predictions(7))
    assert np.abs(first - predictions(8)).max() > 1e-3


def test_without_a_seed_the_global_generator_counts(windows):
    net = EEGRegressor("NeuroBOLT", **BY_NAME, random_state=None, **FAST)
    torch.manual_seed(0)
    first = net.fit(windows.X, windows.y).predict(windows.X)
    second = net.fit(windows.X, windows.y).predict(windows.X)
    assert np.abs(first - second).max() > 1e-3
    torch.manual_seed(0)
    np.testing.assert_array_equal(net.fit(windows.X, windows.y).predict(windows.X), first)


# Interruption


class Sends(Callback):
    """Send a signal to the process, as Ctrl-C does, or stop training as skorch does."""

    def __init__(self, number=None, method="on_batch_end", dropped=False):
        self.number, self.method, self.dropped = number, method, dropped

    def _act(self, net, **kwargs):
        with suppress(KeyboardInterrupt) if self.dropped else nullcontext():
            if self.number is None:
                raise KeyboardInterrupt
            signal.raise_signal(self.number)

    def __getattribute__(self, name):
        if name.startswith("on_") and name == self.method:
            return self._act
        return super().__getattribute__(name)


@pytest.fixture
def heeds_ctrl_c():
    """Some shells start programs in the background so that they ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize("method", ["on_train_begin", "on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("dropped", [False, True])
def test_ctrl_c_is_raised(windows, method, dropped):
    """Also if Python drops the exception, as it does in destructors."""
    before = signal.getsignal(signal.SIGINT)
    callback = Sends(signal.SIGINT, method, dropped)
    net = EEGRegressor(template(), callbacks=[callback], **FAST)
    for fit in (net.fit, net.partial_fit):
        with pytest.raises(KeyboardInterrupt):
            fit(windows.X, windows.y)
    assert signal.getsignal(signal.SIGINT) is before
    search = GridSearchCV(net, {"lr": [1e-3]}, cv=GroupKFold(2), scoring="r2")
    with pytest.raises(KeyboardInterrupt):
        search.fit(windows.X, windows.y, groups=windows.groups)


def test_a_handler_of_sigterm_that_raises_is_an_interruption(windows, monkeypatch):
    def handle(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, handle)
    try:
        with pytest.raises(KeyboardInterrupt):
            net = EEGRegressor(template(), callbacks=[Sends(signal.SIGTERM)], **FAST)
            net.fit(windows.X, windows.y)
    finally:
        signal.signal(signal.SIGTERM, before)


# A callback that stops training


def test_early_stopping_ends_the_fit_with_the_best_weights(windows):
    stopping = EarlyStopping(patience=1, threshold=0.99, sink=noop)
    settings = {**FAST, "max_epochs": 6}
    net = EEGRegressor(template(), callbacks=[("stop", stopping)], **settings)
    net.module.load_state_dict(_SAME)
    assert net.fit(windows.X, windows.y) is net
    assert len(net.history) == 2 and net.module_ is not net.module
    _, valid = net.train_split.split(
        windows.X, random_state=np.random.RandomState(net.seed_)
    )
    error = np.mean((net.predict(windows.X[valid]) - windows.y[valid]) ** 2)
    assert error == pytest.approx(min(net.history[:, "valid_loss"]), rel=1e-4)
    # In a search every fit ends, and is scored.
    search = GridSearchCV(net, {"lr": [1e-3, 1e-4]}, cv=GroupKFold(2), scoring="r2")
    search.fit(windows.X, windows.y, groups=windows.groups)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.best_estimator_.history) == 2


@pytest.mark.parametrize("method", ["on_train_begin", "on_batch_end", "on_train_end"])
def test_a_callback_may_stop_at_any_time(windows, method, capsys):
    net = EEGRegressor(template(), callbacks=[Sends(None, method)], **FAST)
    net.fit(windows.X, windows.y).partial_fit(windows.X, windows.y)
    assert np.isfinite(net.predict(windows.X)).all()
    assert not hasattr(net, "input_") and not hasattr(net, "interrupts_")


def test_a_callback_stops_training_in_another_thread(windows):
    net = EEGRegressor(template(), callbacks=[Sends()], **FAST)
    with ThreadPoolExecutor(1) as pool:
        fitted = pool.submit(net.fit, windows.X, windows.y).result()
    assert fitted.predict(windows.X[:3]).shape == (3, 2)


# Input that is refused


def test_mismatches_are_errors(windows, recordings):
    def fit(module, X=windows.X, y=windows.y, **kwargs):
        EEGRegressor(module, **FAST, **kwargs).fit(X, y)

    longer = create_bold_windows(recordings, 8.0)
    with pytest.raises(ValueError, match="n_outputs=3, but y has 2 columns"):
        fit(template(3))
    with pytest.raises(ChannelNameError, match="The model has no channel Oz; it was made"):
        fit(NeuroBOLT(2, ch_names=[*CH_NAMES[:3], "O1"], n_times=N_TIMES, **TINY))
    with pytest.raises(ValueError, match=r"windows of 800 samples \(n_times\), X has 1600"):
        fit(template(), longer.X, longer.y)
    with pytest.raises(ValueError, match=r"windows of 4 channels \(n_chans\), X has 2"):
        fit(template(), np.asarray(windows.X)[:, :2])
    with pytest.raises(ValueError, match="windows, y 3 rows"):
        fit(template(), y=windows.y[:3])
    with pytest.raises(ValueError, match="no network 'NeuroBLOT'.*Did you mean NeuroBOLT"):
        fit("NeuroBLOT")
    with pytest.raises(ValueError, match="give y"):
        fit(template(), y=None)


def test_a_wrong_output_never_broadcasts(windows):
    plain = nn.Sequential(nn.Flatten(), nn.Linear(4 * N_TIMES, 1))
    with pytest.raises(ValueError, match="predicts .1,. values per window"):
        EEGRegressor(plain, **FAST).fit(windows.X, windows.y)


def test_other_channels_at_prediction_are_an_error(fitted, make_recording):
    other = create_bold_windows([make_recording(ch_names=["Fz", "Cz", "Pz", "O1"])], 4.0)
    with pytest.raises(ChannelNameError, match="no channel O1; it was made for Fz, Cz, Pz"):
        fitted.predict(other.X)
    with pytest.raises(ValueError, match=r"shape \(batch, 4, 800\), got \(.*, 3, 800"):
        fitted.predict(np.asarray(other.X)[:, :3])


def test_models_that_are_not_told_names_take_the_same_channels_only(
    windows, make_recording
):
    other = create_bold_windows([make_recording(ch_names=CH_NAMES[::-1])], 4.0)
    net = EEGRegressor(ShallowFBCSPNet, **{**FAST, "max_epochs": 1})
    net.fit(windows.X, windows.y)
    with pytest.raises(ChannelNameError, match="the same channels in the same order only"):
        net.predict(other.X)


# Any part of the channels, in any order


def test_it_predicts_from_a_part_of_the_channels(fitted, windows, recordings, caplog):
    order = ["Oz", "Fz", "Cz"]
    raws = [replace(r, raw=r.raw.copy().pick(order)) for r in recordings]
    part = create_bold_windows(raws, 4.0, lag_seconds=4.0)
    assert part.ch_names == order
    with caplog.at_level("INFO"):
        predicted = fitted.predict(part.X)
    assert "3 of the model's 4 channels are there" in caplog.text
    x = torch.from_numpy(np.asarray(part.X))
    with torch.inference_mode():
        expected = fitted.module_(x, ch_names=order)
    np.testing.assert_allclose(predicted, expected, rtol=1e-4, atol=1e-6)
    # Afterwards the windows trained on are what it takes again.
    assert fitted.predict(np.asarray(windows.X)[:3]).shape == (3, 2)


def test_the_order_of_the_channels_does_not_matter(fitted, windows, recordings):
    raws = [replace(r, raw=r.raw.copy().pick(CH_NAMES[::-1])) for r in recordings[:2]]
    other = create_bold_windows(raws, WINDOW, lag_seconds=4.0)
    assert other.ch_names == CH_NAMES[::-1]
    np.testing.assert_allclose(
        fitted.predict(other.X), fitted.predict(windows.X), rtol=1e-3, atol=1e-5
    )


def test_a_model_of_more_channels_can_be_trained_on_what_is_there(windows):
    more = ["O1", *CH_NAMES[::-1], "T7"]
    model = NeuroBOLT(2, ch_names=more, n_times=N_TIMES, **TINY)
    table = model.spectral.channel_embedding.weight.detach().clone()
    net = EEGRegressor(model, **FAST, optimizer__weight_decay=0.0)
    net.fit(windows.X, windows.y)
    moved = net.module_.spectral.channel_embedding.weight.detach() - table
    assert (moved.abs().sum(dim=1) > 0).tolist() == [False, True, True, True, True, False]


# Precision and losses


def test_bfloat16_predicts_almost_the_same(fitted, windows):
    """To about three digits of the spread of the predictions."""
    exact = fitted.predict(windows.X)
    rough = copy.deepcopy(fitted).set_params(precision="bfloat16")
    predicted = rough.predict(windows.X)
    assert predicted.dtype == np.float32 and not np.array_equal(predicted, exact)
    assert np.abs(predicted - exact).max() < 0.05 * exact.std()


def test_bfloat16_trains(windows):
    losses = []
    for precision in ("float32", "bfloat16"):
        net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST, precision=precision)
        net.fit(windows.X, windows.y)
        assert all(p.dtype == torch.float32 for p in net.module_.parameters())
        losses.append(net.history[:, "valid_loss"])
    np.testing.assert_allclose(*losses, rtol=0.05)
    with pytest.raises(ValueError, match="one of float32, bfloat16, got 'float16'"):
        EEGRegressor("NeuroBOLT", **BY_NAME, **FAST, precision="float16").fit(
            windows.X, windows.y
        )


@pytest.mark.parametrize("form", ["lazy", "array with groups", "array", "one split"])
def test_the_correlation_loss_gets_windows_of_one_recording(windows, form, monkeypatch):
    """With the recording as the target, a batch within one is constant."""
    recordings = windows.metadata["recording"].to_numpy()
    y = np.stack([recordings, np.arange(len(recordings))], axis=1).astype(np.float32)
    X, groups = windows.X, None
    if form != "lazy" and form != "one split":
        X = np.asarray(X)
    if form == "array with groups":
        groups = windows.groups
    seen = []
    forward = CorrelationLoss.forward

    def watch(self, predicted, measured):
        seen.append(measured[:, 0].unique().numel())
        return forward(self, predicted, measured)

    monkeypatch.setattr(CorrelationLoss, "forward", watch)
    settings = {**FAST, "max_epochs": 1, "batch_size": 7, "module__ch_names": CH_NAMES}
    if form == "one split":
        settings["train_split"] = None
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **settings, criterion=CorrelationLoss)
    if form == "array":
        with pytest.warns(UserWarning, match="taken as one recording"):
            net.fit(X, y)
        assert max(seen) > 1
    else:
        net.fit(X, y, groups=groups)
        assert set(seen) == {1}
    assert net.predict(X).shape == y.shape


def test_the_correlation_loss_teaches_correlation(recordings):
    windows = create_bold_windows(recordings, WINDOW, lag_seconds=4.0)
    net = EEGRegressor(
        "NeuroBOLT",
        **BY_NAME,
        criterion=CorrelationLoss,
        criterion__weight=1.0,
        max_epochs=10,
        lr=3e-3,
        verbose=0,
    )
    test = windows.groups == "04"
    net.fit(windows.X[~test], windows.y[~test])
    r = pearson_r(windows.y[test], net.predict(windows.X[test]))
    assert r.mean() > 0.3


def test_wrong_shapes_are_refused(windows):
    net = EEGRegressor(template(), **FAST)
    with pytest.raises(ValueError, match=r"shape \(n_windows, n_chans, n_times\)"):
        net.fit(windows.X[0], windows.y[:4])
    with pytest.raises(ValueError, match="differ in shape"):
        net.fit([np.zeros((4, 800)), np.zeros((4, 799))], windows.y[:2])
    with pytest.raises(ValueError, match="no windows"):
        net.fit(windows.X[:0], windows.y[:0])
    with pytest.raises(TypeError, match="got dict"):
        net.fit({"x": 1}, windows.y)
    with pytest.raises(ValueError, match="y must be of shape"):
        net.fit(windows.X, np.zeros((len(windows), 2, 2)))


def test_implausible_eeg_is_refused(windows, fitted):
    array, y = np.asarray(windows.X), windows.y

    def fit(X, y=y, **kwargs):
        module = template()
        EEGRegressor(module, **FAST, **kwargs).fit(X, y, groups=windows.groups)

    broken = array.copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="1 NaN or infinite"):
        fit(broken)
    flat = array.copy()
    flat[:, 2] = 1.0
    with pytest.raises(ValueError, match="channel number 2 is flat"):
        fit(flat)
    with pytest.raises(ValueError, match="values are in volts, multiply by 1e6"):
        fit(array * 1e-6)
    with pytest.raises(ValueError, match="in nanovolts, divide by 1000"):
        fit(array * 1e3)
    wrong = y.copy()
    wrong[5, 1] = np.inf
    with pytest.raises(ValueError, match="1 non-finite value"):
        fit(array, wrong)
    constant = y.copy()
    constant[:, 1] = 2
    with pytest.raises(ValueError, match="constant in column 1"):
        fit(array, constant)
    fit(flat, check_input=False)
    with pytest.warns(UserWarning, match="multiply by 1e6"):
        fitted.predict(array * 1e-6)


def test_without_names_the_error_says_how_to_give_them(windows):
    net = EEGRegressor("NeuroBOLT", **FAST)
    with pytest.raises(ValueError, match="pass module__ch_names"):
        net.fit(np.asarray(windows.X), windows.y)


def test_defaults_are_the_published_recipe():
    net = EEGRegressor("NeuroBOLT")
    assert (net.lr, net.optimizer__weight_decay, net.layer_decay) == (3e-4, 0.05, 0.65)
    assert (net.max_epochs, net.batch_size) == (20, 16)
    assert net.optimizer is torch.optim.AdamW and net.criterion is nn.MSELoss
    assert net.random_state == 12345
    schedule = dict(net._default_callbacks)["lr_scheduler"]
    assert (schedule.warmup * net.max_epochs, schedule.min_lr) == (5, 1e-6)
    assert "module" in inspect.signature(EEGRegressor).parameters


# Unusual use


@pytest.mark.parametrize("module", ["instance", "name"])
def test_another_sampling_rate_is_an_error(windows, make_recording, module):
    slow = make_recording(sfreq=100.0, ch_names=CH_NAMES, n_volumes=30)
    slow = create_bold_windows([slow], 8.0)
    assert slow.X.shape[1:] == windows.X.shape[1:]
    net = (
        EEGRegressor(template(), **FAST)
        if module == "instance"
        else EEGRegressor("NeuroBOLT", **BY_NAME, **FAST)
    )
    with pytest.raises(ValueError, match="100 Hz"):
        net.fit(slow.X, np.tile(slow.y, 2)[:, :2])
    net.fit(windows.X, windows.y)
    with pytest.raises(ValueError, match="made for windows at 200 Hz, X is sampled at 100"):
        net.predict(slow.X)


def test_given_targets_take_the_place_of_those_of_a_data_set(windows):
    """braindecode's windows hold codes of events, and BOLD is given as y."""
    X = torch.from_numpy(np.asarray(windows.X))
    holding = torch.utils.data.TensorDataset(X, torch.from_numpy(windows.y))
    codes = torch.utils.data.TensorDataset(X, torch.zeros(len(X)))
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST, module__ch_names=CH_NAMES)
    alone = clone(net).fit(holding, groups=windows.groups)
    given = clone(net).fit(codes, windows.y, groups=windows.groups)
    np.testing.assert_allclose(given.predict(codes), alone.predict(holding), atol=1e-6)


def test_recordings_of_different_montages_are_not_mixed(fitted):
    def epochs(names):
        info = mne.create_info(list(names), 200.0, "eeg")
        data = 1e-5 * np.random.default_rng(0).standard_normal((1, 4, N_TIMES))
        return mne.EpochsArray(data, info, verbose="error")

    with pytest.raises(ValueError, match="number 1 has Oz, Pz, Cz, Fz, the first Fz, Cz"):
        fitted.predict([epochs(CH_NAMES), epochs(CH_NAMES[::-1])])


def test_a_refused_partial_fit_changes_nothing(windows, recordings):
    net = EEGRegressor(template(), **FAST).fit(windows.X, windows.y)
    before = net.predict(np.asarray(windows.X))
    raws = [replace(r, raw=r.raw.copy().pick(CH_NAMES[::-1])) for r in recordings[:2]]
    other = create_bold_windows(raws, WINDOW, lag_seconds=4.0)
    with pytest.raises(ValueError, match="y has 4 columns"):
        net.partial_fit(other.X, np.tile(other.y, 2))
    np.testing.assert_array_equal(net.predict(np.asarray(windows.X)), before)


class Fails(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise FloatingPointError


@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize("callback", [Sends(signal.SIGINT), Fails()])
def test_a_failed_fit_leaves_the_model_unfitted(windows, callback):
    net = EEGRegressor(template(), **FAST, callbacks=[("fails", callback)])
    with pytest.raises((KeyboardInterrupt, FloatingPointError)):
        net.fit(windows.X, windows.y)
    with pytest.raises(NotInitializedError, match="last fit failed or was interrupted"):
        net.predict(windows.X)
    net.set_params(callbacks__fails=None).fit(windows.X, windows.y)
    assert net.predict(windows.X).shape == windows.y.shape


def test_parameters_set_after_a_fit_count_when_training_goes_on(windows):
    net = EEGRegressor(template(), **FAST).fit(windows.X, windows.y)
    net.set_params(optimizer=torch.optim.SGD, criterion=nn.L1Loss)
    net.partial_fit(windows.X, windows.y)
    assert isinstance(net.optimizer_, torch.optim.SGD)
    assert isinstance(net.criterion_, nn.L1Loss)


def test_nan_that_the_check_did_not_see_is_reported(windows, fitted):
    x = np.asarray(windows.X).copy()
    x[-2] = np.nan  # not among those looked at
    with pytest.warns(UserWarning, match="2 predicted values are not finite"):
        fitted.predict(x)
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST, module__ch_names=CH_NAMES)
    with pytest.raises(FloatingPointError, match="NaN"):
        net.fit(x, windows.y, groups=windows.groups)


def test_wrong_groups_and_batches_are_refused(windows):
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST)
    for groups in (np.zeros(10), np.zeros((len(windows), 2))):
        with pytest.raises(ValueError, match="one label for each of 88 windows"):
            net.fit(windows.X, windows.y, groups=groups)
    net.set_params(criterion=CorrelationLoss, batch_size=2)
    with pytest.raises(ValueError, match="3 or more windows, got batch_size=2"):
        net.fit(windows.X, windows.y)


def test_a_torch_data_set_in_a_search_is_wrapped_as_the_error_says(windows):
    dataset = windows.to_braindecode()
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **{**FAST, "max_epochs": 1})
    search = GridSearchCV(net, {"lr": [1e-3]}, cv=GroupKFold(2), error_score="raise")
    complaint = "items of a torch data set.*Wrap it: .*SliceDataset.dataset, 0"
    with pytest.raises(TypeError, match=complaint):
        search.fit(dataset, windows.y, groups=windows.groups)
    with pytest.raises(TypeError, match=complaint):
        cross_val_score(net, dataset, cv=2, error_score="raise")
    X, y = SliceDataset(dataset, 0), SliceDataset(dataset, 1)
    assert np.isfinite(search.fit(X, y, groups=windows.groups).best_score_)


@pytest.mark.parametrize(
    ("y", "error", "complaint"),
    [
        (lambda y: y + 0j, TypeError, "y must be real numbers, got .* complex"),
        (lambda y: y.astype(str), TypeError, "y must be real numbers, got .* <U"),
        (lambda y: y.astype(str).astype(object), TypeError, "y must be real numbers"),
        (lambda y: np.ma.masked_less(y, 0), ValueError, "y has .* masked values"),
        (lambda y: 1e300 * y.astype(float), ValueError, "y has .* float32"),
    ],
)
def test_targets_that_are_no_float32_numbers_are_refused(windows, y, error, complaint):
    with pytest.raises(error, match=complaint):
        EEGRegressor(template(), **FAST).fit(windows.X, y(windows.y))


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("lr", "1e-3", TypeError),
        ("lr", -1.0, ValueError),
        ("lr", float("nan"), ValueError),
        ("layer_decay", "0.65", TypeError),
        ("optimizer__weight_decay", "0", TypeError),
        ("max_epochs", "20", TypeError),
        ("max_epochs", 2.5, TypeError),
        ("batch_size", "16", TypeError),
        ("batch_size", 0, ValueError),
    ],
)
def test_wrong_numbers_name_the_argument(windows, argument, value, error):
    net = EEGRegressor(template(), **{**FAST, argument: value})
    with pytest.raises(error, match=argument):
        net.fit(windows.X, windows.y)


# Parameters that are set between fits


def test_parameters_of_the_module_build_a_new_one_in_a_warm_start(windows, caplog):
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST, warm_start=True)
    first = net.fit(windows.X, windows.y).module_
    assert net.fit(windows.X, windows.y).module_ is first and len(net.history) == 4
    net.set_params(module__drop_prob=0.25)
    assert net.predict(windows.X[:3]).shape == (3, 2) and net.module_ is first
    for fit in (net.fit, net.partial_fit):
        net.set_params(module__drop_prob=net.get_params()["module__drop_prob"] / 2)
        caplog.clear()
        fit(windows.X, windows.y)
        expected = net.get_params()["module__drop_prob"]
        assert net.module_.get_config()["drop_prob"] == expected
        assert len(net.history) == 2 and "a new module is built" in caplog.text


@pytest.mark.parametrize("parameter", [{"lr": 2e-3}, {"layer_decay": 0.5}])
def test_rates_that_are_set_keep_the_layer_decay(windows, parameter):
    settings = {**FAST, "max_epochs": 1, "callbacks__lr_scheduler": None}
    net = EEGRegressor(template(), **settings, layer_decay=0.65)
    net.fit(windows.X, windows.y).set_params(**parameter)
    net.partial_fit(windows.X, windows.y)
    fresh = EEGRegressor(template(), **{**settings, "layer_decay": 0.65, **parameter})
    fresh.fit(windows.X, windows.y)
    rates = [[g["lr"] for g in n.optimizer_.param_groups] for n in (net, fresh)]
    assert rates[0] == pytest.approx(rates[1]) and len(set(rates[0])) > 2


# What the windows had in training


def offset(windows, microvolts=50.0):
    """Windows as arrays, each channel with its own constant offset."""
    return np.asarray(windows.X) + microvolts * np.arange(1, 5)[:, None]


def as_epochs(array):
    info = mne.create_info(CH_NAMES, 200.0, "eeg")
    return mne.EpochsArray(1e-6 * array.astype(float), info, verbose="error")


@pytest.mark.parametrize("form", ["array", "epochs", "data set", "windows"])
def test_the_baseline_of_training_is_applied_to_all_windows(
    fitted, windows, recordings, form
):
    expected = fitted.predict(windows.X)
    array = offset(windows)
    kept = create_bold_windows(recordings[:2], WINDOW, lag_seconds=4.0, baseline=None)
    X = {
        "array": lambda: array,
        "epochs": lambda: as_epochs(array),
        "data set": lambda: torch.utils.data.TensorDataset(
            torch.from_numpy(array), torch.zeros(len(array))
        ),
        "windows": lambda: kept.X,
    }[form]()
    assert fitted.baseline_ == "window"
    np.testing.assert_allclose(fitted.predict(X), expected, rtol=0, atol=1e-4)


def test_the_mean_is_subtracted_from_arrays_in_training_too(windows):
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST, module__ch_names=CH_NAMES)
    net.fit(np.asarray(windows.X), windows.y, groups=windows.groups)
    expected = net.predict(windows.X)
    net.fit(offset(windows), windows.y, groups=windows.groups)
    np.testing.assert_allclose(net.predict(windows.X), expected, rtol=0, atol=1e-3)


def test_a_model_of_windows_that_keep_their_mean(windows, recordings):
    kept = create_bold_windows(recordings[:2], WINDOW, lag_seconds=4.0, baseline=None)
    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST).fit(kept.X, kept.y)
    assert net.baseline_ is None
    array = np.asarray(kept.X)
    shift = net.predict(array + 500 * np.arange(1, 5)[:, None]) - net.predict(array)
    assert np.abs(shift).max() > 1e-3
    for use in (net.predict, lambda X: net.partial_fit(X, windows.y)):
        with pytest.raises(ValueError, match="windows that keep their mean .baseline=None"):
            use(windows.X)


def test_windows_of_another_lag_are_refused(windows):
    """The BOLD would be that of another time."""

    def lagged(seconds):
        X = windows.X[:]
        X.lag_seconds = seconds
        return X

    net = EEGRegressor("NeuroBOLT", **BY_NAME, **FAST).fit(lagged(4.0), windows.y)
    assert net.lag_seconds_ == 4.0
    assert net.predict(lagged(4.0)).shape == windows.y.shape
    with pytest.raises(ValueError, match="end 4 s .* these end 0 s .*lag_seconds=4"):
        net.predict(lagged(0.0))
