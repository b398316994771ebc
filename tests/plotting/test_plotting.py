import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from braindecode_bolt.plotting import (
    plot_connectivity,
    plot_curves,
    plot_r_per_region,
    plot_series,
)

REGIONS = ["Cuneus", "Thalamus", "Putamen"]
KEYS = {"dataset": "sim", "seed": 0}


def make_tables(pipelines=("a", "b"), regions=REGIONS, ceiling=0.7, n_recordings=3):
    """Scores, summary, predictions and curves as an evaluation has them."""
    rng = np.random.default_rng(0)
    scores, predictions, curves = [], [], []
    for pipeline in pipelines:
        control = "wrong_subject" if "wrong" in pipeline else ""
        front = {**KEYS, "pipeline": pipeline, "model": pipeline, "control": control}
        for number in range(n_recordings):
            of_recording = {**front, "fold": number + 1, "recording": f"sub-{number}"}
            for region in regions:
                value = {"score": rng.uniform(-0.2, 0.6), "noise_ceiling": ceiling}
                scores.append({**of_recording, "region": region, **value})
            volumes = np.delete(np.arange(40), 20)
            series = {
                f"{kind}:{region}": rng.standard_normal(len(volumes))
                for kind in ("measured", "predicted")
                for region in regions
            }
            predictions.append(pd.DataFrame({**of_recording, "volume": volumes, **series}))
            losses = {"train_loss": [1.0, 0.8], "valid_loss": [1.0, 1.1]}
            curve = {**of_recording, "region": "", "epoch": [1, 2], **losses}
            curves.append(pd.DataFrame(curve))
    scores = pd.DataFrame(scores)
    keys = ["dataset", "pipeline", "control"]
    summary = scores.groupby([*keys, "region"], sort=False)[
        ["score", "noise_ceiling"]
    ].mean()
    means = scores.groupby(keys, sort=False)[["score", "noise_ceiling"]].mean()
    means = means.assign(region="mean").set_index("region", append=True)
    summary = pd.concat([summary, means]).reset_index()
    summary = summary.assign(
        window_limited_noise_ceiling=summary["noise_ceiling"],
        ci_low=summary["score"] - 0.1,
        ci_high=summary["score"] + 0.1,
        null_low=-0.1,
        null_high=0.1,
        level=0.95,
        p=0.01,
        p_fdr=np.where(summary["region"] == "mean", np.nan, 0.02),
    )
    return scores, summary, pd.concat(predictions), pd.concat(curves)


def texts(figure):
    """All words that a figure shows."""
    found = []
    for axes in figure.axes:
        found += [axes.get_title(loc="left"), axes.get_title(), axes.get_xlabel()]
        found += [label.get_text() for label in axes.get_xticklabels()]
        found += [label.get_text() for label in axes.get_yticklabels()]
    for legend in [*figure.legends, *(a.get_legend() for a in figure.axes)]:
        found += [] if legend is None else [t.get_text() for t in legend.get_texts()]
    return " | ".join(found)


def drawn(figure):
    """Draw it: what cannot be drawn is an error here."""
    figure.canvas.draw() if hasattr(figure, "canvas") else None
    figure.savefig("/dev/null", format="png", dpi=20)
    return figure


def test_r_of_each_region_with_all_that_makes_it_honest():
    scores, summary, *_ = make_tables(("a", "b", "a (wrong subject)"))
    shown = texts(drawn(plot_r_per_region(scores, summary)))
    for word in (*REGIONS, "mean over regions", "a", "b", "chance (95 %)", "ceiling"):
        assert word in shown
    assert "simulated BOLD" in shown and "wrong subject" not in shown


def test_the_level_is_that_of_the_summary():
    scores, summary, *_ = make_tables()
    shown = texts(drawn(plot_r_per_region(scores, summary.assign(level=0.8))))
    assert "chance (80 %)" in shown and "95" not in shown


def test_measured_bold_has_no_ceiling():
    scores, summary, predictions, _ = make_tables(ceiling=np.nan)
    assert "ceiling" not in texts(drawn(plot_r_per_region(scores, summary)))
    assert "simulated" not in texts(drawn(plot_r_per_region(scores, summary)))
    assert "measured" in texts(drawn(plot_series(predictions, scores)))


def test_many_regions_become_a_table_of_colours():
    regions = [f"region {n}" for n in range(64)]
    scores, summary, *_ = make_tables(("a", "b"), regions)
    figure = drawn(plot_r_per_region(scores, summary))
    assert figure.axes[0].images and "region 63" in texts(figure)


def test_names_with_dollars_are_no_formulae():
    pipelines, regions = ("$a$", "b"), ["$x_1$", "B", "C"]
    scores, summary, predictions, curves = make_tables(pipelines, regions)
    for figure in (
        plot_r_per_region(scores, summary),
        plot_series(predictions, scores),
        plot_connectivity(predictions, regions),
        plot_curves(curves),
    ):
        shown = texts(drawn(figure))
        assert r"\$" in shown and "$" not in shown.replace(r"\$", "")


def test_what_is_not_there_cannot_be_drawn():
    scores, _, predictions, curves = make_tables(("a", "b"))
    with pytest.raises(ValueError, match="There is no pipeline 'c'; there are"):
        plot_series(predictions, scores, pipelines=["a", "c"])
    with pytest.raises(ValueError, match="There is no pipeline 'c'"):
        plot_connectivity(predictions, REGIONS, ["c"])
    with pytest.raises(ValueError, match="There is no region Amygdala"):
        plot_connectivity(predictions, ["Amygdala"])
    with pytest.raises(ValueError, match="There are no curves to draw"):
        plot_curves(curves[:0])
    controls = predictions.assign(control="constant_eeg")
    with pytest.raises(ValueError, match="There is no pipeline to draw"):
        plot_connectivity(controls, REGIONS)


def test_undefined_scores_are_left_out():
    scores, summary, *_ = make_tables(("a", "constant"))
    for table in (scores, summary):
        table.loc[table["pipeline"] == "constant", "score"] = np.nan
    assert "constant" not in texts(drawn(plot_r_per_region(scores, summary)))


def test_series_of_the_best_median_and_worst_recording():
    scores, _, predictions, _ = make_tables()
    figure = drawn(plot_series(predictions, scores, tr=2.0))
    means = scores[scores["pipeline"] == "a"].groupby("recording")["score"].mean()
    ranked = means.sort_values(ascending=False).index
    assert len(figure.axes) == 3
    for axes, rank, recording in zip(
        figure.axes, ("best", "median", "worst"), ranked, strict=True
    ):
        assert axes.get_title(loc="left").startswith(f"{rank}: {recording}, ")
        # The hole at volume 20 is not bridged.
        assert all(len(line.get_xdata()) < 39 for line in axes.lines)
    assert "Time (s)" in texts(figure) and "simulated BOLD" in texts(figure)
    assert len(drawn(plot_series(predictions, scores, pipelines=["b"])).axes) == 3


def test_one_recording_is_one_row():
    scores, _, predictions, _ = make_tables(n_recordings=1)
    assert len(drawn(plot_series(predictions, scores)).axes) == 1


def test_connectivity_is_averaged_over_recordings():
    _, _, predictions, _ = make_tables()
    figure = drawn(plot_connectivity(predictions, REGIONS))
    matrices = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    first = predictions[predictions["pipeline"] == "a"]
    columns = [f"measured:{region}" for region in REGIONS]
    z = [
        np.arctanh(np.corrcoef(part[columns].T)[0, 1])
        for _, part in first.groupby("recording")
    ]
    assert matrices[0][0, 1] == pytest.approx(np.tanh(np.mean(z)))
    assert "predicted by b" in texts(figure)


def test_constant_predictions_correlate_with_nothing():
    _, _, predictions, _ = make_tables(("a",))
    predictions["predicted:Cuneus"] = 1.0
    figure = drawn(plot_connectivity(predictions, REGIONS))
    predicted = figure.axes[1].images[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(predicted))[0, 1]


def test_training_curves():
    *_, curves = make_tables(("a", "b", "a (wrong subject)"))
    figure = drawn(plot_curves(curves))
    shown = texts(figure)
    assert "a" in shown and "wrong" not in shown
    assert "training" in shown and "validation" in shown
    without = curves.assign(valid_loss=np.nan)
    assert isinstance(drawn(plot_curves(without)), Figure)


def test_one_of_several_data_sets_must_be_named():
    scores, summary, predictions, _ = make_tables()
    two = [
        pd.concat([table, table.assign(dataset="other")])
        for table in (scores, summary, predictions)
    ]
    with pytest.raises(ValueError, match="2 data sets, .* name one"):
        plot_r_per_region(*two[:2])
    assert drawn(plot_r_per_region(*two[:2], dataset="other"))
    with pytest.raises(ValueError, match="no data set 'third'"):
        plot_series(two[2], two[0], dataset="third")
