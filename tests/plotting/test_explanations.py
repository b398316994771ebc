import logging

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from braindecode_bolt.plotting import plot_lag_curves, plot_spectra, plot_topographies
from braindecode_bolt.plotting.responses import glover

from .test_plotting import drawn, legend, texts

BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
ELECTRODES = ["Fp1", "Fp2", "C3", "C4", "O1", "O2"]
LAGS = np.arange(15.5, 0, -1)
REGIONS = ["Cuneus", "A region with a long name of $x_{$", "Thalamus"]


def make_table(regions=REGIONS, electrodes=ELECTRODES, bands=BANDS):
    """Alpha at O1 and O2 follows Glover's response, in Cuneus negatively."""
    rows = []
    for region in regions:
        sign = -1 if region == "Cuneus" else 1
        for electrode in electrodes:
            for band, (low, high) in bands.items():
                for lag in LAGS:
                    strong = band == "alpha" and electrode.startswith("O")
                    value = sign * (1.0 if strong else 0.1) * glover(lag)
                    cell = [region, electrode, band, low, high, lag, value, value / 10]
                    rows.append(cell)
    names = ["region", "electrode", "band", "low", "high", "lag", "pattern", "effect"]
    return pd.DataFrame(rows, columns=names).assign(method="weights")


def test_topographies_show_each_band_of_each_region():
    table = make_table()
    figure = drawn(plot_topographies(table, ["Cuneus", "Thalamus"]))
    maps = [axes for axes in figure.axes if axes.images]
    assert len(maps) == 6
    assert [axes.get_title() for axes in maps[:3]] == [
        "theta\n4–8 Hz",
        "alpha\n8–13 Hz",
        "beta\n13–30 Hz",
    ]
    assert {"Cuneus", "Thalamus", "correlation of log power and prediction"} <= texts(
        figure
    )
    inside = table["lag"].between(3, 8) & (table["electrode"] == "O1")
    of_cuneus = table[inside & (table["region"] == "Cuneus") & (table["band"] == "alpha")]
    expected = of_cuneus["pattern"].mean()
    images = [axes.images[0] for axes in maps]
    # One scale for all; the minimum of the map is at O1 and O2, at the back.
    assert {image.get_clim() for image in images} == {(expected, -expected)}
    alpha = np.ma.masked_invalid(images[1].get_array())
    assert alpha.min() == pytest.approx(expected, rel=0.2)
    row, _ = np.unravel_index(alpha.argmin(), alpha.shape)
    assert row < alpha.shape[0] / 3
    np.testing.assert_allclose(images[4].get_array(), -alpha, atol=1e-9)


def test_topographies_of_all_regions_are_means_of_absolute_values():
    figure = drawn(plot_topographies(make_table(), value="effect"))
    maps = [axes for axes in figure.axes if axes.images]
    assert len(maps) == 3 and "mean over\nregions" in texts(figure)
    assert "mean |effect| over regions" in texts(figure)
    low, high = maps[0].images[0].get_clim()
    # Though regions of both signs would cancel.
    assert low == 0 and high == pytest.approx(
        glover(LAGS[(LAGS > 3) & (LAGS < 8)]).mean() / 10
    )


def test_electrodes_without_a_place_are_logged(caplog):
    caplog.set_level(logging.WARNING)
    plot_topographies(make_table(electrodes=[*ELECTRODES, "E17"]))
    assert "No place is known for E17" in caplog.text
    with pytest.raises(ValueError, match="needs four electrodes .* there are 3"):
        plot_topographies(make_table(electrodes=["Cz", "Pz", "Fz", "E17"]))


def test_lag_curves_beside_glover():
    table = make_table()
    figure = drawn(plot_lag_curves(table, ["Cuneus"], ["alpha", "theta"]))
    (axes,) = figure.axes
    alpha, theta, reference = axes.lines[:3]
    order = np.argsort(LAGS)
    summed = -(2 * 1.0 + 4 * 0.1) / 10 * glover(LAGS)[order]
    np.testing.assert_allclose(alpha.get_xdata(), LAGS[order])
    np.testing.assert_allclose(alpha.get_ydata(), summed)
    np.testing.assert_allclose(theta.get_ydata(), -0.06 * glover(LAGS)[order])
    # Glover's has the sign and the size of the largest curve.
    assert reference.get_linestyle() == "--"
    assert reference.get_ydata().min() == pytest.approx(summed.min(), rel=0.02)
    assert reference.get_xdata()[reference.get_ydata().argmin()] == pytest.approx(
        5, abs=0.3
    )
    assert legend(figure.legends[0]) == ["alpha", "theta", "Glover"]


def test_lag_curves_of_all_regions_start_with_their_mean():
    figure = drawn(plot_lag_curves(make_table()))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 4
    assert shown[0].get_title(loc="left") == "mean of absolute\nvalues, 3 regions"
    assert r"\$" in shown[2].get_title(loc="left")
    largest = max(line.get_ydata().max() for line in shown[0].lines[:3])
    assert largest == pytest.approx(0.24 * glover(LAGS).max())
    patterns = plot_lag_curves(make_table(), ["Thalamus"], ["alpha"], "pattern")
    peak = patterns.axes[0].lines[0].get_ydata().max()
    assert peak == pytest.approx((2 * 1.0 + 4 * 0.1) / 6 * glover(LAGS).max())


def test_spectra_show_the_mean_and_range_of_electrodes():
    figure = drawn(plot_spectra(make_table(), ["Thalamus", "Cuneus"]))
    thalamus, cuneus = figure.axes
    bars = [line for line in thalamus.lines if same_color(line.get_color(), "#4477aa")]
    found = {tuple(bar.get_xdata()): bar.get_ydata()[0] for bar in bars}
    assert set(found) == set(BANDS.values())
    response = glover(LAGS[(LAGS > 3) & (LAGS < 8)]).mean()
    assert found[BANDS["alpha"]] == pytest.approx(0.4 * response)
    assert found[BANDS["beta"]] == pytest.approx(0.1 * response)
    area = thalamus.collections[1].get_paths()[0].get_extents()
    assert (area.ymin, area.ymax) == pytest.approx((0.1 * response, response))
    assert min(line.get_ydata()[0] for line in cuneus.lines) < 0
    with pytest.raises(ValueError, match="frequencies of some bands are not known"):
        plot_spectra(make_table().assign(low=np.nan))


@pytest.mark.parametrize("plot", [plot_topographies, plot_lag_curves, plot_spectra])
def test_what_cannot_be_drawn(plot):
    table = make_table()
    with pytest.raises(ValueError, match="no column pattern"):
        plot(table.drop(columns="pattern"))
    with pytest.raises(ValueError, match="some of 'Cuneus'.* got \\['Amygdala'\\]"):
        plot(table, ["Amygdala"])
    with pytest.raises(ValueError, match="value must be pattern or effect"):
        plot(table, value="weight")
    with pytest.raises(ValueError, match="There is no effect to draw.* Draw pattern"):
        plot(table.assign(effect=np.nan), value="effect")
    with pytest.raises(ValueError, match="does not tell lags apart"):
        plot(table.assign(lag=np.nan))
    if plot is not plot_lag_curves:
        with pytest.raises(ValueError, match="No lag lies between 20 and 30 s"):
            plot(table, lags=(20, 30))
    else:
        with pytest.raises(ValueError, match="bands must be a list of some of theta"):
            plot(table, bands=["gamma"])


def test_regions_without_values_are_left_out():
    table = make_table()
    table.loc[table["region"] == "Cuneus", ["pattern", "effect"]] = np.nan
    assert "Cuneus" not in texts(plot_lag_curves(table))


def test_what_stands_beside_one_region_is_not_cut_off():
    figure = drawn(plot_lag_curves(make_table(), ["Thalamus"]))
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1
    figure = drawn(plot_topographies(make_table(), ["Thalamus"]))
    assert "correlation of log power and\nprediction" in texts(figure)


@pytest.mark.parametrize("plot", [plot_lag_curves, plot_spectra])
def test_all_regions_that_are_asked_for_are_drawn(plot, caplog):
    caplog.set_level(logging.INFO)
    regions = [f"Region {number}" for number in range(10)]
    table = make_table(regions, ELECTRODES[:2])
    titles = {axes.get_title(loc="left") for axes in plot(table, regions).axes}
    assert set(regions) <= titles and not caplog.text
    few = {axes.get_title(loc="left") for axes in plot(table).axes}
    assert set(regions[:8]) == few & set(regions)
    assert "The first 8 of 10 regions are drawn" in caplog.text
