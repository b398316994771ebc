import numpy as np
import pytest

from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.evaluation.coverage import coverage_table
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.metrics import SubjectIntervals
from tests.evaluation.models import Fails


@pytest.fixture(scope="module")
def found(study):
    models = {"ridge": LaggedBandPower(), "fails": Fails("02")}
    return evaluate(models, study, n_splits=4, controls=["wrong_subject"], progress=False)


def test_coverage_has_a_row_for_each_person_and_region(found):
    table = found.coverage
    assert set(table["pipeline"]) == {"ridge"}, (
        "controls, and models of one person, have none"
    )
    assert len(table) == 4 * 3 and not table.duplicated(["subject", "region"]).any()
    assert (table["level"] == 0.9).all()
    samples = found.scores.query("pipeline == 'ridge'").set_index(["subject", "region"])
    expected = samples.loc[list(zip(table["subject"], table["region"], strict=True))]
    assert table["samples"].tolist() == expected["samples"].tolist()


def test_coverage_is_the_share_of_volumes_within_the_width(found):
    row = found.coverage.iloc[1]
    series = found.predictions.query("pipeline == 'ridge' and subject == @row.subject")
    error = series[f"measured:{row['region']}"] - series[f"predicted:{row['region']}"]
    assert row["coverage"] == pytest.approx(np.mean(np.abs(error) <= row["half_width"]))


@pytest.mark.filterwarnings("ignore:With 3 people")
def test_a_persons_own_errors_have_no_part_in_the_width(found):
    table = found.predictions.query("pipeline == 'ridge'").copy()
    before = coverage_table(table, found.regions)
    column = "predicted:Thalamus"
    of_one = table["subject"] == "03"
    table.loc[of_one, column] += 100.0
    after = coverage_table(table, found.regions)
    rows = (before["subject"] == "03") & (before["region"] == "Thalamus")
    assert before.loc[rows, "half_width"].item() == after.loc[rows, "half_width"].item()
    assert after.loc[rows, "coverage"].item() == 0
    others = table[~of_one]
    true, pred = others["measured:Thalamus"], others[column]
    width = SubjectIntervals().fit(true, pred, others["subject"]).half_width(0.9)
    assert before.loc[rows, "half_width"].item() == pytest.approx(width.item(), rel=0.05)


def test_with_two_people_there_is_none(found):
    few = found.predictions[found.predictions["subject"].isin(["01", "02"])]
    assert not len(coverage_table(few, found.regions))
    assert not len(coverage_table(found.predictions[:0], found.regions))
