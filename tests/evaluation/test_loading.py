import json
import shutil

import pandas as pd
import pytest

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import ResultsError, Study, evaluate, load_evaluation
from braindecode_bolt.linear import LaggedBandPower
from tests.evaluation.models import Fails, Warns, tiny

TABLES = ["scores", "predictions", "connectivity", "coverage", "curves", "failures"]
TABLES += ["messages", "left_out"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    rois = ["=Thalamus", "Heschl's gyrus", "line\nbreak"]
    simulated = SimulatedEEGfMRI(3, duration=60.0, ch_names=["Fz", "Oz"], rois=rois)
    study = Study.of(simulated.load(), window_seconds=4.0)
    models = {
        "ridge": LaggedBandPower(),
        "net": tiny(max_epochs=1),
        "fails": Fails("02"),
        "warns": Warns(),
    }
    out = tmp_path_factory.mktemp("results")
    return evaluate(models, study, n_splits=3, out=out, progress=False, command="do --this")


def test_what_is_read_is_what_was_found(found):
    read = load_evaluation(found.folder)
    for name in TABLES:
        expected, table = getattr(found, name), getattr(read, name)
        # Entities that are not known are None in one and NaN in the other.
        expected = expected.where(expected.notna(), float("nan"))
        if name == "failures":  # Of several lines.
            expected, table = (one.drop(columns="details") for one in (expected, table))
        pd.testing.assert_frame_equal(
            table, expected, check_dtype=False, obj=name, check_column_type=False
        )
    assert found.couplings == {"data": ["band-power"]}
    kept = ("regions", "tr", "channels", "windows", "settings", "command", "couplings")
    for name in kept:
        assert getattr(read, name) == getattr(found, name)
    assert read.command == "do --this" and read.channels == {"data": ["Fz", "Oz"]}
    assert read.scores["subject"].tolist() == found.scores["subject"].tolist()
    pd.testing.assert_frame_equal(
        read.summary(n_surrogates=20), found.summary(n_surrogates=20), rtol=1e-4
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("about.json", None, "about.json is missing"),
        ("settings.json", "{", "settings.json is damaged"),
        ("about.json", "[]", "holds list"),
        ("about.json", '{"regions": {"data": [1]}}', "the list of data"),
        (
            "about.json",
            '{"regions": {}, "channels": {}, "tr": {}, "windows": {}}',
            "'command'",
        ),
        ("scores.tsv", None, "scores.tsv is missing"),
        ("scores.tsv", "a\tb\n", "has no column dataset"),
        ("predictions.tsv", "", "predictions.tsv is damaged"),
    ],
)
def test_damaged_folders_are_errors(found, tmp_path, name, content, message):
    folder = tmp_path / "copy"
    shutil.copytree(found.folder, folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(ResultsError, match=message):
        load_evaluation(folder)


def test_other_folders_are_errors(tmp_path):
    with pytest.raises(ResultsError, match="not a results folder of evaluate"):
        load_evaluation(tmp_path)
    with pytest.raises(ResultsError, match="is not a folder"):
        load_evaluation(tmp_path / "nowhere")


def test_the_command_decides_nothing(found):
    settings = json.loads((found.folder / "settings.json").read_text())
    assert "do --this" not in json.dumps(settings)
