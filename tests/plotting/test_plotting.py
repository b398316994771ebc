import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from braindecode_bolt.plotting import (
    plot_connectivity,
    plot_curves,
    plot_r_per_region,
    plot_series,
)
from braindecode_bolt.plotting._style import COLOURS, INK

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
    """All texts that a figure shows."""
    found = []
    for axes in figure.axes:
        found += [axes.get_title(loc="left"), axes.get_title()]
        found += [axes.get_xlabel(), axes.get_ylabel()]
        found += [label.get_text() for label in axes.get_xticklabels()]
        found += [label.get_text() for label in axes.get_yticklabels()]
        found += legend(axes.get_legend())
    for outside in figure.legends:
        found += legend(outside)
    return set(filter(None, found))


def legend(box):
    return [] if box is None else [text.get_text() for text in box.get_texts()]


def drawn(figure):
    """Draw it: a text or a layout that cannot be drawn is an error here."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=20)
    assert picture.getvalue().startswith(b"\x89PNG")
    return figure


def lines(axes, colour, marker="None"):
    """Points of the lines of one colour and marker."""
    return [
        line.get_xydata()
        for line in axes.lines
        if same_color(line.get_markeredgecolor(), colour) and line.get_marker() == marker
    ]


CEILING = "window-limited noise ceiling"


def test_r_of_each_region_with_interval_chance_and_ceiling():
    scores, summary, *_ = make_tables(("a", "b", "a (wrong subject)"))
    figure = drawn(plot_r_per_region(scores, summary))
    shown = texts(figure)
    assert {*REGIONS, "mean over regions", "Pearson R (simulated BOLD)"} <= shown
    (outside,) = figure.legends
    assert legend(outside) == ["a", "b", "chance: R of surrogate BOLD (95%)", CEILING]
    (axes,) = figure.axes
    rows = [row for _, row in summary[summary["control"] == ""].iterrows()]
    means = sorted(points[0, 0] for points in lines(axes, COLOURS[0], "o"))
    of_a = [row for row in rows if row["pipeline"] == "a"]
    assert means == pytest.approx(sorted(row["score"] for row in of_a))
    intervals = sorted(tuple(points[:, 0]) for points in lines(axes, COLOURS[0]))
    expected = sorted((row["ci_low"], row["ci_high"]) for row in of_a)
    np.testing.assert_allclose(intervals, expected)
    dots = [points[:, 0] for points in lines(axes, COLOURS[0], ".")]
    of_recordings = scores.loc[scores["pipeline"] == "a", "score"]
    np.testing.assert_allclose(sorted(np.concatenate(dots)), sorted(of_recordings))
    bars = [bar for bar in axes.patches if bar.get_width() == pytest.approx(0.2)]
    assert len(bars) == len(rows)


def test_filled_symbols_exceed_chance():
    scores, summary, *_ = make_tables(("a",))
    of_cuneus = summary["region"] == "Cuneus"
    summary = summary.assign(p=0.01, p_fdr=np.where(of_cuneus, 0.2, 0.01))
    summary.loc[summary["region"] == "mean", "p_fdr"] = np.nan
    (axes,) = drawn(plot_r_per_region(scores, summary)).axes
    symbols = [line for line in axes.lines if line.get_marker() == "o"]
    empty = [line for line in symbols if same_color(line.get_markerfacecolor(), "white")]
    assert len(symbols) == 4
    (found,) = (line.get_xdata()[0] for line in empty)
    assert found == summary.loc[of_cuneus, "score"].item()


def test_the_level_is_that_of_the_summary():
    scores, summary, *_ = make_tables()
    shown = texts(drawn(plot_r_per_region(scores, summary.assign(level=0.8))))
    assert "chance: R of surrogate BOLD (80%)" in shown


def test_measured_bold_has_no_noise_ceiling():
    scores, summary, predictions, _ = make_tables(ceiling=np.nan)
    shown = texts(drawn(plot_r_per_region(scores, summary)))
    assert CEILING not in shown and "Pearson R" in shown
    shown = texts(drawn(plot_series(predictions, scores)))
    assert "measured" in shown and "simulated BOLD" not in shown


def test_many_regions_become_a_heat_map():
    regions = [f"region {n}" for n in range(64)]
    scores, summary, *_ = make_tables(("a", "b", "a (wrong subject)"), regions)
    summary.loc[summary["region"] == "region 3", "p_fdr"] = 0.2
    figure = drawn(plot_r_per_region(scores, summary))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [*regions, "mean"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]
    expected = summary.pivot(index="region", columns="pipeline", values="score")
    expected = expected.loc[[*regions, "mean"], ["a", "b"]]
    np.testing.assert_array_equal(axes.images[0].get_array(), expected)
    dots = {text.get_position()[1] for text in axes.texts}
    assert dots == set(range(65)) - {3}


def test_dollars_in_names_are_no_mathematics():
    # $x_{$ would be an error in mathematics.
    pipelines, regions = ("$a_{$", "b"), ["$x_{$", "B", "C"]
    scores, summary, predictions, curves = make_tables(pipelines, regions)
    for figure in (
        plot_r_per_region(scores, summary),
        plot_series(predictions, scores),
        plot_connectivity(predictions, regions),
        plot_curves(curves),
    ):
        assert any(r"\$" in text for text in texts(drawn(figure)))


def test_what_is_not_there_cannot_be_drawn():
    scores, _, predictions, curves = make_tables(("a", "b"))
    with pytest.raises(ValueError, match="There is no pipeline 'c'. Available: 'a', 'b'"):
        plot_series(predictions, scores, pipelines=["a", "c"])
    with pytest.raises(ValueError, match="There is no pipeline 'c'"):
        plot_connectivity(predictions, REGIONS, ["c"])
    with pytest.raises(ValueError, match="no region 'Amygdala'. Available: 'Cuneus'"):
        plot_connectivity(predictions, ["Amygdala"])
    with pytest.raises(ValueError, match="There are no curves to draw"):
        plot_curves(curves[:0])
    controls = predictions.assign(control="constant_eeg")
    with pytest.raises(ValueError, match="There is no pipeline to draw"):
        plot_connectivity(controls, REGIONS)


def test_pipelines_without_a_score_are_not_drawn():
    scores, summary, predictions, _ = make_tables(("constant", "a"))
    for table in (scores, summary):
        table.loc[table["pipeline"] == "constant", "score"] = np.nan
    for figure in (plot_r_per_region(scores, summary), plot_series(predictions, scores)):
        shown = texts(drawn(figure))
        assert "a" in shown and "constant" not in shown


def test_series_of_the_best_median_and_worst_recording():
    scores, _, predictions, _ = make_tables(n_recordings=4)
    figure = drawn(plot_series(predictions, scores, tr=2.0))
    of_a = scores[scores["pipeline"] == "a"]
    means = of_a.groupby("recording")["score"].mean().sort_values(ascending=False)
    assert len(figure.axes) == 3
    ranks = {"highest": 0, "median": 2, "lowest": 3}
    for axes, (rank, place) in zip(figure.axes, ranks.items(), strict=True):
        name = means.index[place]
        # The recording is chosen by its mean R over regions, the region is nearest to it.
        rows = of_a[of_a["recording"] == name].set_index("region")["score"]
        region = (rows - means[name]).abs().idxmin()
        r = rows[region]
        r_b = scores[(scores["pipeline"] == "b") & (scores["recording"] == name)]
        r_b = r_b.set_index("region").loc[region, "score"]
        assert axes.get_title(loc="left") == (
            f"{name}: {rank} of 4 tested recordings by the mean R over regions of a, "
            f"{means[name]:.2f}\n{region}: R {r:.2f} (a), {r_b:.2f} (b)"
        )
        part = predictions[predictions["recording"] == name]
        part = part[part["pipeline"] == "a"]
        measured = part[f"measured:{region}"] / part[f"measured:{region}"].std()
        # The line is interrupted at volume 20, which is missing.
        first, second = lines(axes, INK)
        np.testing.assert_allclose(first[:, 0], 2.0 * np.arange(20))
        np.testing.assert_allclose(np.vstack([first, second])[:, 1], measured)
        assert len(lines(axes, COLOURS[0])) == len(lines(axes, COLOURS[1])) == 2
    assert {"Time (s)", "simulated BOLD", "a", "b"} <= texts(figure)


def test_series_of_chosen_pipelines():
    scores, _, predictions, _ = make_tables()
    figure = drawn(plot_series(predictions, scores, pipelines=["b"]))
    assert legend(figure.legends[0]) == ["simulated BOLD", "b"]
    assert "Volume" in texts(figure)


def test_one_and_two_recordings_are_ranked_as_such():
    for number, ranks in ((1, ["only"]), (2, ["highest", "lowest"])):
        scores, _, predictions, _ = make_tables(n_recordings=number)
        figure = drawn(plot_series(predictions, scores))
        titles = [axes.get_title(loc="left").split()[1] for axes in figure.axes]
        assert titles == ranks


def test_undefined_scores_are_not_the_worst():
    scores, _, predictions, _ = make_tables(("a",))
    undefined = scores["recording"] == "sub-1"
    scores.loc[undefined, "score"] = np.nan
    figure = drawn(plot_series(predictions, scores))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(titles) == 2 and not any("sub-1" in title for title in titles)
    scores["score"] = np.nan
    title = plot_series(predictions, scores).axes[0].get_title(loc="left")
    assert "mean R over regions of a, undefined" in title


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
    assert {"measured", "predicted by a", "predicted by b", *REGIONS} <= texts(figure)


def test_constant_predictions_have_no_connectivity():
    _, _, predictions, _ = make_tables(("a",))
    predictions["predicted:Cuneus"] = 1.0
    figure = drawn(plot_connectivity(predictions, REGIONS))
    predicted = figure.axes[1].images[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(predicted))[0, 1]


def test_training_curves():
    *_, curves = make_tables(("a (wrong subject)", "b"))
    pipelines = list(dict.fromkeys(curves["pipeline"]))
    figure = drawn(plot_curves(curves, pipelines))
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "b"
    assert legend(axes.get_legend()) == ["training", "validation"]
    # Of each fit a training loss, a validation loss and its lowest; then their means.
    assert len(lines(axes, COLOURS[1])) == 2 * 3 + 2
    lowest = lines(axes, COLOURS[1], ".")
    np.testing.assert_array_equal(np.vstack(lowest), [[1.0, 1.0]] * 3)
    without = drawn(plot_curves(curves.assign(valid_loss=np.nan))).axes[0]
    assert not lines(without, COLOURS[0], ".")


def test_one_of_several_data_sets_must_be_named():
    scores, summary, predictions, _ = make_tables()
    two = [
        pd.concat([table, table.assign(dataset="other")])
        for table in (scores, summary, predictions)
    ]
    with pytest.raises(ValueError, match="2 data sets, .* choose one by `dataset`"):
        plot_r_per_region(*two[:2])
    two[0].loc[two[0]["dataset"] == "sim", "region"] = "elsewhere"
    shown = texts(drawn(plot_r_per_region(*two[:2], dataset="other")))
    assert set(REGIONS) <= shown and "elsewhere" not in shown
    with pytest.raises(ValueError, match="no data set 'third'"):
        plot_series(two[2], two[0], dataset="third")
