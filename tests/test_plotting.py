import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from braindecode_bolt.evaluation import iterate_folds
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.plotting import plot_r_per_region, plot_series


@pytest.fixture(scope="module")
def tables(windows):
    results = list(
        iterate_folds(
            {"ridge": LaggedBandPower(), "other": LaggedBandPower(alphas=[1e4])},
            windows,
            windows.groups,
            2,
        )
    )
    scores = pd.concat([result.scores for result in results], ignore_index=True)
    predictions = pd.concat(
        [r.predictions.assign(model=r.model, fold=r.fold) for r in results],
        ignore_index=True,
    )
    return scores, predictions


def test_bars_are_the_mean_r_of_each_model_and_region(tables):
    scores, _ = tables
    axes = plot_r_per_region(scores).axes[0]
    heights = sorted(bar.get_height() for bar in axes.patches)
    expected = sorted(scores.groupby(["model", "region"])["r"].mean())
    np.testing.assert_allclose(heights, expected)
    labels = axes.get_legend_handles_labels()[1]
    assert {"ridge", "other", "ceiling", "control"} <= set(labels)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Thalamus", "Cuneus"]


def test_without_a_ceiling_there_is_no_line_for_it(tables):
    scores = tables[0].assign(ceiling=np.nan)
    labels = plot_r_per_region(scores).axes[0].get_legend_handles_labels()[1]
    assert not any("ceiling" in label for label in labels)


def test_series_show_what_was_measured_and_predicted(tables):
    scores, predictions = tables
    figure = plot_series(predictions, scores, tr=2.1)
    FigureCanvasAgg(figure).draw()
    assert len(figure.axes) == 2
    axes = figure.axes[0]
    region = axes.get_title(loc="left").split(":")[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert set(lines) == {"simulated", "ridge", "other"}
    subject = figure.get_suptitle().split(",")[0].split(":")[0].removeprefix("Subject ")
    chosen = predictions[
        (predictions["subject"] == subject) & (predictions["model"] == "ridge")
    ]
    measured = chosen[f"measured:{region}"]
    np.testing.assert_allclose(
        lines["simulated"].get_ydata(), measured / measured.std(), rtol=1e-6
    )
    np.testing.assert_allclose(lines["ridge"].get_xdata(), chosen["volume"] * 2.1)
