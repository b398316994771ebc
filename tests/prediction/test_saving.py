import json

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from torch import nn

from braindecode_bolt import BOLDPredictor, EEGRegressor
from braindecode_bolt._files import content_hash
from braindecode_bolt.bold import BOLDScaler
from braindecode_bolt.linear import LINEAR
from braindecode_bolt.models import NETWORKS
from braindecode_bolt.prediction import PredictorError
from braindecode_bolt.training import ClosedFormHead, PretrainedRegressor
from braindecode_bolt.training.estimators import SIZES

from .conftest import tiny_network


def altered(folder, change):
    """Change predictor.json as one who knows how its hash is computed."""
    file = folder / "predictor.json"
    main = json.loads(file.read_text())
    del main["hash"]
    change(main)
    main["hash"] = content_hash(main)
    file.write_text(json.dumps(main))


@pytest.fixture
def folder(fit, tmp_path):
    return fit("LaggedBandPower").save(tmp_path / "model")


@pytest.mark.parametrize("name", [*LINEAR, "NeuroBOLT"])
def test_a_loaded_predictor_is_the_saved_one(name, fit, raw, tmp_path):
    predictor = fit(name)
    folder = predictor.save(tmp_path / "model")
    assert {f.name for f in folder.iterdir()} == {
        "predictor.json",
        "arrays.safetensors",
        "README.md",
    }
    loaded = BOLDPredictor.load(folder)
    pd.testing.assert_frame_equal(loaded.predict(raw), predictor.predict(raw))
    assert repr(loaded) == repr(predictor)
    for attribute in ("ch_names_", "roi_names_", "tr_", "training_", "eeg", "bold"):
        assert getattr(loaded, attribute) == getattr(predictor, attribute)
    again = loaded.save(tmp_path / "again")
    for file in ("predictor.json", "arrays.safetensors", "README.md"):
        assert (again / file).read_bytes() == (folder / file).read_bytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_can_be_saved(name, as_read, raw, tmp_path):
    sizes = SIZES["small"].get(name, {})
    model = EEGRegressor(name, max_epochs=1, verbose=0, **sizes)
    predictor = BOLDPredictor(model, window_seconds=4.0).fit(as_read[:2])
    loaded = BOLDPredictor.load(predictor.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(loaded.predict(raw, 20.0), predictor.predict(raw, 20.0))


@pytest.mark.parametrize("standardise", ["recording", None])
def test_a_head_in_closed_form_is_saved(standardise, as_read, raw, tmp_path):
    head = ClosedFormHead(4, standardise=standardise, rho=0.5)
    predictor = BOLDPredictor(tiny_network(head=head), window_seconds=4.0).fit(as_read[:2])
    loaded = BOLDPredictor.load(predictor.save(tmp_path / "model"))
    for mine, other in zip(
        predictor.predict(raw, 2.1, return_std=True),
        loaded.predict(raw, 2.1, return_std=True),
        strict=True,
    ):
        assert np.isfinite(mine.to_numpy()).any()
        pd.testing.assert_frame_equal(mine, other)


def test_a_network_that_was_pretrained_in_its_fit_is_saved(as_read, raw, tmp_path):
    model = PretrainedRegressor(tiny_network(), n_steps=2)
    predictor = BOLDPredictor(model, window_seconds=4.0).fit(as_read)
    loaded = BOLDPredictor.load(predictor.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(loaded.predict(raw), predictor.predict(raw))


@pytest.mark.parametrize("inner", ["LaggedBandPower", "network"])
def test_target_transformers_are_saved_too(inner, as_read, raw, tmp_path):
    model = tiny_network() if inner == "network" else LINEAR[inner]()
    model = TransformedTargetRegressor(model, transformer=BOLDScaler())
    predictor = BOLDPredictor(model, window_seconds=4.0).fit(as_read[:2])
    loaded = BOLDPredictor.load(predictor.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(loaded.predict(raw), predictor.predict(raw))


@pytest.mark.filterwarnings("ignore:With 3 people")
def test_scores_and_intervals_are_saved(fit, raw, tmp_path):
    predictor = fit("BandPowerGP", cv=3)
    loaded = BOLDPredictor.load(predictor.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(loaded.scores_, predictor.scores_)
    for a, b in zip(
        loaded.predict_interval(raw), predictor.predict_interval(raw), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)  # Widths have six digits.
    card = (tmp_path / "model" / "README.md").read_text()
    assert f"| Thalamus | {predictor.scores_.loc[0, 'r']:.2f} |" in card
    assert "Cross-validated over 3 people in 3 folds" in card
    assert "**The BOLD was simulated.**" in card


def test_the_card_says_what_is_not_known(folder):
    card = (folder / "README.md").read_text()
    assert "Not known: the model was not tested" in card
    assert "no basis for medical decisions" in card


def test_every_cut_of_a_file_is_noticed(folder):
    for name in ("predictor.json", "arrays.safetensors"):
        content = (folder / name).read_bytes()
        for size in np.linspace(0, len(content) - 2, 20, dtype=int):
            (folder / name).write_bytes(content[:size])
            with pytest.raises(PredictorError, match="cut short|altered"):
                BOLDPredictor.load(folder)
        (folder / name).unlink()
        with pytest.raises(PredictorError, match="incomplete"):
            BOLDPredictor.load(folder)
        (folder / name).write_bytes(content)
    BOLDPredictor.load(folder)


def test_every_changed_byte_is_noticed(folder):
    rng = np.random.default_rng(0)
    for name in ("predictor.json", "arrays.safetensors"):
        content = (folder / name).read_bytes()
        for place in rng.integers(0, len(content) - 1, 40):
            changed = bytearray(content)
            changed[place] ^= 1
            if name.endswith("json") and chr(content[place]).isspace():
                continue
            (folder / name).write_bytes(bytes(changed))
            with pytest.raises(PredictorError):
                BOLDPredictor.load(folder)
        (folder / name).write_bytes(content)


def of_another_kind(main):
    main["kind"] = "cake"


def newer(main):
    main["layout"] = 2
    main["written_by"] = "9.0"


def names_a_path(main):
    main["content"]["regressor"]["@object"] = "os.system"


def names_another_class(main):
    main["content"]["regressor"]["@object"] = "Popen"


def covers_a_method(main):
    main["content"]["regressor"]["state"]["predict"] = 1


def has_an_odd_attribute(main):
    main["content"]["regressor"]["state"]["__class__"] = 1


def has_an_unknown_parameter(main):
    main["content"]["regressor"]["parameters"]["command"] = "ls"


def has_an_unknown_node(main):
    main["content"]["regressor"] = {"@pickle": "gASVAAAAAAAAAAA="}


def has_no_model(main):
    main["content"]["regressor"] = {"a": 1}


def has_another_size(main):
    main["content"]["roi_names_"] = ["Thalamus"]


def has_lost_a_part(main):
    del main["content"]["window_seconds"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (of_another_kind, "of another kind: 'cake'"),
        (newer, r"written by braindecode-bolt 9\.0.*Install a newer"),
        (names_a_path, "kind 'os.system'"),
        (names_another_class, "kind 'Popen'"),
        (covers_a_method, "no attribute 'predict'"),
        (has_an_odd_attribute, "no attribute '__class__'"),
        (has_an_unknown_parameter, "no parameter 'command'"),
        (has_an_unknown_node, "unknown content"),
        (has_no_model, "cannot predict"),
        (has_another_size, "shape"),
        (has_lost_a_part, "'window_seconds' is missing"),
    ],
)
def test_what_is_no_predictor_is_refused(change, said, folder):
    altered(folder, change)
    with pytest.raises(PredictorError, match=said):
        BOLDPredictor.load(folder)


def test_a_configuration_imports_and_reads_nothing(fit, tmp_path):
    folder = fit("NeuroBOLT").save(tmp_path / "model")
    original = (folder / "predictor.json").read_text()

    def with_config(**arguments):
        (folder / "predictor.json").write_text(original)
        altered(
            folder,
            lambda main: main["content"]["regressor"]["@network"]["module"][
                "config"
            ].update(arguments),
        )
        return pytest.raises(PredictorError)

    with with_config(activation="antigravity.fly"), pytest.MonkeyPatch.context() as patch:
        import webbrowser

        patch.setattr(webbrowser, "open", lambda *_: pytest.fail("It was imported."))
        BOLDPredictor.load(folder)
    with with_config(pretrained="/etc/passwd"):
        BOLDPredictor.load(folder)
    with with_config(shell="ls"):
        BOLDPredictor.load(folder)
    with with_config(num_layers=2):  # Weights of another size.
        BOLDPredictor.load(folder)


def test_folders_are_not_overwritten_by_accident(fit, folder, raw, tmp_path):
    with pytest.raises(FileExistsError, match="is not empty"):
        fit("MeanBOLD").save(folder)
    assert BOLDPredictor.load(folder)._name == "LaggedBandPower"
    fit("MeanBOLD").save(folder, overwrite=True)
    assert BOLDPredictor.load(folder)._name == "MeanBOLD"
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("Once upon a time")
    with pytest.raises(FileExistsError, match="something other than a predictor"):
        fit("MeanBOLD").save(tmp_path / "thesis", overwrite=True)
    with pytest.raises(FileNotFoundError, match="no folder"):
        BOLDPredictor.load(tmp_path / "nowhere")
    with pytest.raises(PredictorError, match="no predictor.json"):
        BOLDPredictor.load(tmp_path / "thesis")
    with pytest.raises(NotFittedError, match="not fitted"):
        BOLDPredictor().save(tmp_path / "new")


class Plain(nn.Module):
    """A network that says nothing about itself."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(800, 2)

    def forward(self, x):
        return self.layer(x.mean(dim=1))


def test_what_cannot_be_built_again_is_not_saved(as_read, tmp_path):
    model = EEGRegressor(Plain, max_epochs=1, verbose=0)
    predictor = BOLDPredictor(model, window_seconds=4.0).fit(as_read[:2])
    with pytest.raises(TypeError, match="Plain has no get_config"):
        predictor.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_preparation_is_kept(as_read, tmp_path):
    eeg = {"high_pass": 0.5, "reference": ["Cz"], "channels": ["Fz", "Oz"]}
    bold = {"low_pass": None}
    predictor = BOLDPredictor("MeanBOLD", eeg, bold, window_seconds=4.0).fit(as_read[:2])
    loaded = BOLDPredictor.load(predictor.save(tmp_path / "model"))
    assert loaded.eeg == eeg and loaded.bold == bold
    raw = mne.io.RawArray(as_read[2].raw.get_data(), as_read[2].raw.info, verbose="error")
    pd.testing.assert_frame_equal(loaded.predict(raw, 2.0), predictor.predict(raw, 2.0))
