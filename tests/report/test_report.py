import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import Study, evaluate
from braindecode_bolt.linear import LaggedBandPower, MeanBOLD
from braindecode_bolt.report import layout, write_report
from tests.evaluation.models import Fails, Warns, tiny

REGIONS = ["Thalamus", "Cuneus", "<script>alert(1)</script>"]


@pytest.fixture(scope="module")
def found():
    simulated = SimulatedEEGfMRI(3, duration=60.0, ch_names=["Fz", "Oz"], rois=REGIONS)
    study = Study.of(simulated.load(), window_seconds=4.0)
    models = {
        "ridge": LaggedBandPower(),
        "net": tiny(max_epochs=1),
        "mean": MeanBOLD(),
        "fails": Fails("02"),
        "warns & <b>": Warns(),
    }
    options = {"n_splits": 3, "controls": ["wrong_subject"], "progress": False}
    return evaluate(models, study, **options)


@pytest.fixture(scope="module")
def summary(found):
    return found.summary(n_surrogates=20)


class Page(HTMLParser):
    """Tags of a report, the cells of its tables, and its text."""

    void = {"meta", "img", "br", "link"}

    def __init__(self, path):
        super().__init__()
        self.open, self.images, self.words, self.links = [], [], [], []
        self.tags, self.ids, self.tables = set(), set(), []
        self.feed(path.read_text(encoding="utf-8"))
        assert not self.open, "every tag is closed"
        self.text = squeezed("".join(self.words))
        self.tables = [[list(map(squeezed, row)) for row in t] for t in self.tables]
        self.rows = sum(self.tables, [])

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        self.ids |= {attributes["id"]} if "id" in attributes else set()
        self.links += [attributes[k] for k in ("src", "href") if k in attributes]
        if tag == "img":
            self.images.append(attributes)
        self.handle_data(" ")
        if tag not in self.void:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    def row(self, table, name):
        """The row of a name in the table with this first header: header -> cell."""
        (row,) = [
            dict(zip(rows[0], row, strict=True))
            for rows in self.tables
            for row in rows[1:]
            if rows[0][0] == table and row[0] == name
        ]
        return row


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


@pytest.fixture(scope="module")
def page(found, summary, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert write_report(found, path, summary, title="A & B") == path
    return Page(path)


def test_data_and_settings_are_described(page):
    for words in (
        "A & B",
        "The BOLD of data (coupling band-power) was simulated",
        "3 recordings of 3 subjects",
        "2 channels",
        "3 folds, seed 0",
        "GroupSplit(by='subject', n_splits=3",
        "With 3 subjects, the confidence intervals say little about other subjects.",
        "made by phase randomisation",
        "torch",
    ):
        assert words in page.text, words
    volumes = re.search(r"(\d+) of (\d+) volumes have a window of EEG", page.text)
    assert int(volumes[1]) < int(volumes[2])


def test_scores_stand_in_the_row_of_their_model_and_region(found, summary, page):
    table = summary.set_index(["pipeline", "region"])
    for name in ("ridge", "net", "ridge (wrong subject)"):
        expected, row = table.loc[(name, "mean")], page.row("Model", name)
        assert row["R"] == f"{expected['score']:.2f}"
        assert row["95% CI"] == f"[{expected['ci_low']:.2f}, {expected['ci_high']:.2f}]"
        assert row["chance"] == f"[{expected['null_low']:.2f}, {expected['null_high']:.2f}]"
        assert row["cross- recording R"] == f"{expected['cross_recording_r']:.2f}"
        assert row["record- ings"] == "3"
    for region in REGIONS:
        expected, row = table.loc[("ridge", region)], page.row("ridge", region)
        assert row["R"] == f"{expected['score']:.2f}"
        assert row["p adjusted"] == f"{expected['p_fdr']:.3f}"
        ceiling = expected["window_limited_noise_ceiling"]
        assert row["window- limited ceiling"] == f"{ceiling:.2f}"


def test_people_stand_in_a_table_with_their_intervals(found, page):
    r = found.scores.groupby(["subject", "pipeline"])["score"].mean()
    inside = found.coverage.groupby(["subject", "pipeline"])["coverage"].mean()
    for subject in ("01", "02", "03"):
        row = page.row("Person", subject)
        for name in ("ridge", "net"):
            assert row[f"R {name}"] == f"{r[subject, name]:.2f}"
            shown = row[f"90% interval {name}"]
            assert shown == f"{inside[subject, name]:.0%}"
    overall = inside.groupby("pipeline").mean()["ridge"]
    row = page.row("Intervals of", "ridge")
    assert row["volumes inside (90% wanted)"] == f"{overall:.0%}"
    assert "no method can guarantee more than 67%" in page.text
    width = found.coverage.query("pipeline == 'ridge' and region == 'Thalamus'")
    row = page.row("ridge", "Thalamus")
    assert row["90% interval ±"] == f"{width['half_width'].mean():.2f}"
    assert row["holds"] == f"{width['coverage'].mean():.0%}"


def test_connectivity_stands_beside_its_rivals(found, page):
    summary = found.connectivity_summary().set_index("pipeline")
    for name in ("ridge", "net", "mean"):
        row, expected = page.row("Connectivity of", name), summary.loc[name]
        group = f"{expected['group_connectivity_r']:.2f}"
        assert row["training group"] == group and row["constant EEG"] == "-"
        r = expected["connectivity_r"]
        assert row["R of connec- tivity"] == ("-" if r != r else f"{r:.2f}")


def test_methods_are_there_to_be_pasted(found, page):
    for words in (
        "BOLD of 3 brain regions (repetition time 2.1 s) was predicted from EEG of 2",
        "The BOLD was simulated from the EEG with the coupling band-power.",
        "The BOLD of data (coupling band-power) was simulated",
        "the 4 s of EEG that end with it, sampled at 200 Hz",
        "net [@song2021sttransformer]",
        "20 phase-randomised surrogates [@theiler1992]",
        "3 folds (GroupSplit by subject)",
        "90% prediction intervals",
    ):
        assert words in page.text, words
    cited = set(re.findall(r"@(\w+)\]", page.text))
    entries = set(re.findall(r"@(?:article|inproceedings)\{(\w+),", page.text))
    assert cited == entries and "finn2015" in entries


def test_the_command_and_the_channels_are_named(found, summary, page, tmp_path):
    assert "2 channels: Fz, Oz" in page.text and "Command" not in page.text
    made = replace(found, command="braindecode-bolt evaluate --folds '3 & 4'")
    page = Page(write_report(made, tmp_path / "r.html", summary))
    assert "Command braindecode-bolt evaluate --folds '3 & 4'" in page.text


def test_undefined_scores_are_counted(found, page):
    row = page.row("Model", "mean")
    assert row["R"] == row["p"] == "-" and row["undefined scores"] == "9"
    assert page.row("Model", "ridge")["undefined scores"] == "0"
    row = page.row("mean", "Cuneus")
    assert row["R"] == "-" and row["undefined scores"] == "3"
    assert page.row("", "ridge")["mean"] == "- 9 undefined"


def test_failed_fits_and_warnings_are_reported(found, page):
    assert "4 fits failed. The scores below are without them" in page.text
    failed = [list(row) for row in page.rows if row and row[0].startswith("fails")]
    for failure in found.failures.itertuples():
        name = "fails (wrong subject)" if failure.control else "fails"
        shown = [name, "data", str(failure.fold), "0", failure.error]
        assert shown in failed and "subject 02 is not for training" in failure.error
    assert ["warns & <b>", "3", "UserWarning: the moon is full"] in page.rows


def test_comparisons_say_over_how_many_subjects_and_regions(found, page):
    pairs = found.compare().set_index(["better", "worse"])
    expected = pairs.loc[("ridge", "net")]
    p = f"{expected['p_fdr']:.3f}"
    shown = f"{expected['difference']:+.2f} p {p} 3 subjects, 3 regions"
    assert page.row("", "ridge")["net"] == shown
    fails = page.row("", "ridge")["fails"]
    assert fails.startswith("-") == (pairs.loc[("ridge", "fails"), "n_subjects"] < 2)
    n_undefined = pairs.loc[("ridge", "fails"), "n_undefined"]
    assert n_undefined == 6 and fails.endswith("6 undefined")
    n_tests = pairs["p_fdr"].notna().sum()
    assert f"adjusted for the number of pairs: {n_tests} tests" in page.text


def test_the_file_needs_nothing_else(page):
    titles = ("Pearson R", "Measured and predicted", "Correlations between", "Training")
    assert len(page.images) == len(titles)
    for image, title in zip(page.images, titles, strict=True):
        assert image["alt"].startswith(title)
        assert image["src"].startswith("data:image/png;base64,iVBOR")
    inside = {link[1:] for link in page.links if link.startswith("#")}
    outside = [link for link in page.links if not link.startswith(("data:image/", "#"))]
    assert inside and inside <= page.ids and outside == []


def test_names_cannot_become_code(page):
    assert not {"script", "b"} & page.tags
    assert page.row("ridge", "<script>alert(1)</script>")
    assert page.row("warns & <b>", "mean")


def test_singular_and_plural(found, summary, tmp_path):
    first = found.failures.iloc[:1]
    scores = found.scores[found.scores["subject"] == "01"]
    one = replace(found, failures=first, scores=scores)
    of_one = summary[summary["pipeline"].isin(scores["pipeline"])]
    page = Page(write_report(one, tmp_path / "r.html", of_one))
    assert "1 fit failed. The scores below are without it" in page.text
    assert "1 recording of 1 subject EEG" in page.text and "1 fold, seed 0" in page.text
    assert "With 1 subject, the" in page.text


def test_a_report_needs_the_summary_of_its_evaluation(found, summary, tmp_path):
    with pytest.raises(ValueError, match="belongs to another evaluation"):
        write_report(found, tmp_path / "r.html", summary[summary["pipeline"] == "ridge"])
    with pytest.raises(TypeError, match="expects the Evaluation .* got DataFrame"):
        write_report(found.scores, tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_predictions_that_fit_other_recordings_are_cautioned_about(
    found, summary, page, tmp_path
):
    caution = "predictions of ridge also correlate with the BOLD of other recordings"
    table = summary.assign(level=0.9, null="block")
    mean = table["region"] == "mean"
    table.loc[mean, ["score", "cross_recording_r"]] = 0.5, 0.2
    assert caution not in page.text and "CAUTION" not in layout(table)
    table.loc[mean & (table["pipeline"] == "ridge"), "cross_recording_r"] = 0.3
    page = Page(write_report(found, tmp_path / "r.html", table))
    for text in (page.text, squeezed(layout(table))):
        assert caution in text
        assert "90% " in text and "95% CI" not in text and "block permutation" in text


def test_one_region_and_one_model_have_no_comparison_and_no_connectivity(tmp_path):
    simulated = SimulatedEEGfMRI(2, duration=60.0, ch_names=["Fz"], rois=["A"])
    study = Study.of(simulated.load(), window_seconds=4.0)
    options = {"n_splits": 2, "progress": False}
    found = evaluate({"ridge": LaggedBandPower()}, study, **options)
    summary = found.summary(n_surrogates=20)
    page = Page(write_report(found, tmp_path / "report.html", summary))
    assert "EEG 1 channel: Fz BOLD 1 region, " in page.text
    assert "Comparison of models" not in page.text
    assert len(page.images) == 2 and "No fit failed." in page.text


def test_without_scores_there_is_no_report(found, tmp_path):
    failed = replace(found, scores=found.scores[:0], failures=found.failures[:1])
    with pytest.raises(ValueError, match="no scores to report: 1 fit failed"):
        write_report(failed, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_the_table_of_the_terminal_is_aligned(summary):
    text = layout(summary)
    table = text.split("\n\n")[0].splitlines()
    assert table[1].startswith("ridge ") and table[1].endswith("limited")
    assert {len(line) for line in table[1:]} == {len(table[1])}
    expected = summary.set_index(["pipeline", "region"]).loc[("ridge", "Thalamus")]
    (row,) = [line for line in table if line.startswith("Thalamus")]
    assert row.split()[1] == f"{expected['score']:.2f}"
    assert "\nmean (9 undefined)" in text
    assert "Undefined: scores of constant predictions" in text
