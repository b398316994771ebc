import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from braindecode_bolt import create_bold_windows
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.training import (
    PretrainedRegressor,
    make_estimator,
    pretrain_band_power,
)

TINY = {
    "module__embed_dim": 16,
    "module__num_layers": 1,
    "module__num_heads": 2,
    "module__spectral_num_heads": 2,
}
QUICK = {"n_steps": 2, "windows_per_recording": 4}


@pytest.fixture(scope="module")
def recordings():
    return SimulatedEEGfMRI(4, duration=60.0).load()


@pytest.fixture(scope="module")
def windows(recordings):
    return create_bold_windows(recordings, window_seconds=4.0)


def tiny(**kwargs):
    return make_estimator("NeuroBOLT", "small", max_epochs=1, verbose=0, **TINY, **kwargs)


@pytest.mark.parametrize("head", ["linear", "closed_form"])
def test_encoder_is_pretrained_on_the_windows_of_the_fit(windows, head):
    rows = np.flatnonzero(windows.metadata["recording"] < 2)
    model = PretrainedRegressor(tiny(head=head), **QUICK)
    fitted = clone(model).fit(windows.X[rows], windows.y[rows])
    used = fitted.pretrained_.card["recordings"]
    people = windows.metadata["subject"].iloc[rows].unique()
    assert [entry["subject"] for entry in used] == people.tolist()
    assert fitted.predict(windows.X[:3]).shape == (3, windows.y.shape[1])
    again = clone(model).fit(windows.X[rows], windows.y[rows])
    assert np.array_equal(fitted.predict(windows.X), again.predict(windows.X))
    assert not hasattr(model, "estimator_")
    assert not hasattr(model.estimator, "module_")


def test_other_estimators_are_refused(windows):
    with pytest.raises(TypeError, match="must be an EEGRegressor, got Ridge"):
        PretrainedRegressor(Ridge()).fit(windows.X, windows.y)
    with pytest.raises(ValueError, match="FFCL has no tokens"):
        regressor = make_estimator("FFCL", "small", max_epochs=1, verbose=0)
        PretrainedRegressor(regressor, **QUICK).fit(windows.X, windows.y)


def test_evaluate_resumes_and_tells_other_settings_apart(windows, tmp_path):
    kwargs = {"n_splits": 2, "out": tmp_path / "out", "progress": False}
    models = {"NeuroBOLT": PretrainedRegressor(tiny(head="closed_form"), **QUICK)}
    first = evaluate(models, windows, **kwargs)
    assert not len(first.failures)
    again = evaluate(models, windows, **kwargs)
    assert again.scores.equals(first.scores)
    models = {"NeuroBOLT": clone(models["NeuroBOLT"]).set_params(n_steps=3)}
    with pytest.raises(ValueError, match="another run|other settings|results of"):
        evaluate(models, windows, **kwargs)


def test_evaluate_refuses_people_that_the_encoder_has_seen(recordings, windows, tmp_path):
    sizes = {name.removeprefix("module__"): value for name, value in TINY.items()}
    sizes |= {"spectral_depth": 1, "mix_windows": False}
    kwargs = {"model_arguments": sizes, "window_seconds": 4.0, "progress": False, **QUICK}

    def run(data, **card):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.safetensors"
        pretrain_band_power("NeuroBOLT", data, **kwargs, **card).save(file)
        model = tiny(module__pretrained=str(file), head="closed_form")
        return evaluate({"NeuroBOLT": model}, windows, n_splits=2, progress=False)

    with pytest.raises(ValueError, match="pre-trained on the EEG of .*in the test part"):
        run(recordings[0].raw, dataset="another name")
    # The same names, and other EEG.
    others = SimulatedEEGfMRI(1, duration=60.0, random_state=1).load()
    with pytest.raises(ValueError, match="a person named .*dataset"):
        run(others)
    assert not len(run(others, dataset="another study").failures)


def test_small_neurobolt_begins_from_the_encoder_of_the_package(recordings):
    windows = create_bold_windows(recordings)
    shipped = make_estimator("NeuroBOLT", "small", verbose=0)
    assert shipped.head == "closed_form"
    shipped.fit(windows.X, windows.y)
    scratch = make_estimator("NeuroBOLT", "small", module__pretrained=None)
    assert scratch.head == "linear"
    assert "module__pretrained" not in tiny().get_params()
    assert "module__pretrained" not in make_estimator("NeuroBOLT").get_params()
