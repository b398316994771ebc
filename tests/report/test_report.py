import re
from html.parser import HTMLParser

import pytest

from braindecode_bolt import EEGRegressor
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import Study, evaluate
from braindecode_bolt.linear import LaggedBandPower, MeanBOLD
from braindecode_bolt.report import write_report
from tests.evaluation.models import Fails, Warns

REGIONS = ["Thalamus", "Cuneus", "<script>alert(1)</script>"]


@pytest.fixture(scope="module")
def found():
    simulated = SimulatedEEGfMRI(3, duration=90.0, ch_names=["Fz", "Oz"], rois=REGIONS)
    study = Study.of(simulated.load(), window_seconds=4.0)
    net = EEGRegressor(
        "STTransformer", module__num_layers=1, module__embed_dim=16, max_epochs=2, verbose=0
    )
    models = {
        "ridge": LaggedBandPower(),
        "net": net,
        "mean": MeanBOLD(),
        "fails": Fails("02"),
        "warns & <b>": Warns(),
    }
    return evaluate(models, study, n_splits=3, controls=["wrong_subject"])


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    summary = found.summary(n_surrogates=200)
    assert write_report(found, path, summary, title="A & B") == path
    return path.read_text(encoding="utf-8")


class _Check(HTMLParser):
    """Every tag is closed, and what it refers to is in the page."""

    void = {"meta", "img", "br", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.images, self.text, self.links = [], [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[k] for k in ("src", "href") if k in attributes]
        if tag == "img":
            self.images.append(attributes)
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def checked(page):
    parser = _Check()
    parser.feed(page)
    assert not parser.open
    return parser


def test_it_says_what_was_run_and_what_came_of_it(checked):
    text = re.sub(r"\s+", " ", " ".join(checked.text))
    for words in (
        "A & B",
        "Simulated BOLD.",
        "3 of 3 subjects",
        "GroupSplit(by='subject', n_splits=3",
        "ridge (wrong subject)",
        "subject 02 is not for training",
        "4 fits failed",
        "UserWarning: the moon is full",
        "Comparison of models",
        "Connectivity",
        "Training",
        "touch a span marked as bad",
        "With 3 subjects, confidence intervals say little",
        "torch",
        "sub-01_task-simulated",
    ):
        assert words in text, words


def test_everything_is_in_the_file(checked):
    assert len(checked.images) == 4
    for image in checked.images:
        assert image["src"].startswith("data:image/png;base64,") and image["alt"]
    outside = [link for link in checked.links if not link.startswith(("data:", "#"))]
    assert outside == []
    assert "http" not in " ".join(link[:8] for link in checked.links)


def test_names_cannot_become_code(page, checked):
    assert "<script>" not in page
    assert "<script>alert(1)</script>" in "".join(checked.text)
    assert "warns & <b>" in " ".join(checked.text)


def test_links_lead_somewhere(page, checked):
    for link in checked.links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in page


def test_numbers_are_those_of_the_summary(found, checked):
    summary = found.summary(n_surrogates=200).set_index(["pipeline", "region"])
    score = summary.loc[("ridge", "mean"), "score"]
    text = " ".join(checked.text)
    assert f"{score:.2f}" in text


def test_a_summary_of_another_evaluation_is_refused(found, tmp_path):
    summary = found.summary(n_surrogates=20)
    with pytest.raises(ValueError, match="of another evaluation"):
        write_report(found, tmp_path / "r.html", summary[summary["pipeline"] == "ridge"])
    with pytest.raises(TypeError, match="of an Evaluation .* got DataFrame"):
        write_report(found.scores, tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_predictions_that_fit_everybody_are_cautioned_about(found, tmp_path):
    summary = found.summary(level=0.9, method="block", n_surrogates=20)
    page = write_report(found, tmp_path / "r.html", summary).read_text(encoding="utf-8")
    assert "90 %" in page and "permuted blocks" in page
    assert "go along with the BOLD" not in page
    of_mean = (summary["pipeline"] == "ridge") & (summary["region"] == "mean")
    summary.loc[of_mean, "cross_recording_r"] = summary.loc[of_mean, "score"]
    page = write_report(found, tmp_path / "r.html", summary).read_text(encoding="utf-8")
    assert "go along with the BOLD" in page


def test_without_results_there_is_no_report(tmp_path):
    simulated = SimulatedEEGfMRI(2, duration=60.0, ch_names=["Fz"], rois=["A"])
    study = Study.of(simulated.load(), window_seconds=4.0)
    models = {"a": Fails("01"), "b": Fails("02")}
    found = evaluate(models, study, n_splits=2)
    failed = evaluate({"a": Fails("01")}, study, protocol=_Both())
    assert len(found.scores)
    with pytest.raises(ValueError, match="no scores to report: all 1 fits failed"):
        write_report(failed, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
    # One region, one model: no comparison, no connectivity.
    write_report(found, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Connectivity</h3>" not in page


class _Both:
    def split(self, X, y=None, groups=None):
        n = len(X)
        yield list(range(n // 2)), list(range(n // 2, n))
