"""The Hugging Face Hub, by a stand-in that keeps repositories in folders."""

import builtins
import shutil

import pandas as pd
import pytest

from braindecode_bolt import BOLDPredictor

huggingface_hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    class Api:
        def __init__(self, token=None):
            pass

        def create_repo(self, repository, private, exist_ok):
            (tmp_path / repository).mkdir(parents=True, exist_ok=exist_ok)

        def file_exists(self, repository, name):
            return (tmp_path / repository / name).exists()

        def upload_folder(self, repo_id, folder_path):
            shutil.copytree(folder_path, tmp_path / repo_id, dirs_exist_ok=True)

    def snapshot_download(repository, revision, token, allow_patterns):
        target = tmp_path / "cache"
        target.mkdir()
        for name in allow_patterns:
            if (tmp_path / repository / name).exists():
                shutil.copy(tmp_path / repository / name, target)
        return str(target)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return tmp_path


def test_there_and_back(hub, fit, raw):
    predictor = fit("LaggedBandPower")
    where = predictor.push_to_hub("lab/model")
    assert where == "https://huggingface.co/lab/model"
    (hub / "lab" / "model" / "setup.py").write_text("raise SystemExit")
    loaded = BOLDPredictor.from_pretrained("lab/model")
    pd.testing.assert_frame_equal(loaded.predict(raw), predictor.predict(raw))
    assert not (hub / "cache" / "setup.py").exists()
    of_folder = BOLDPredictor.from_pretrained(hub / "lab" / "model")
    pd.testing.assert_frame_equal(of_folder.predict(raw), predictor.predict(raw))


def test_the_card_on_the_hub_is_kept(hub, fit):
    predictor, card = fit("MeanBOLD"), hub / "lab" / "model" / "README.md"
    predictor.push_to_hub("lab/model")
    assert "MeanBOLD" in card.read_text()
    card.write_text("Written by hand.")
    predictor.push_to_hub("lab/model")
    assert card.read_text() == "Written by hand."


def test_without_huggingface_hub(fit, monkeypatch, tmp_path):
    found = builtins.__import__

    def without(name, *arguments, **kwargs):
        if name == "huggingface_hub":
            raise ImportError(name)
        return found(name, *arguments, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    folder = fit("MeanBOLD").save(tmp_path / "model")
    assert BOLDPredictor.from_pretrained(folder).roi_names_
    for call in (fit("MeanBOLD").push_to_hub, BOLDPredictor.from_pretrained):
        with pytest.raises(ImportError, match="huggingface_hub"):
            call("lab/model")
