"""
The Gaussian process and its weights
====================================

:class:`~braindecode_bolt.linear.BandPowerGP` predicts BOLD from log band power at
several lags. It assumes that weights are similar at neighbouring electrodes, bands and
lags, and finds how similar from the training data. It says how sure it is, and its
weights can be looked at.

EEG and BOLD are simulated.
"""

# %%
# Six simulated subjects
# ----------------------
# The known truth: BOLD follows the amplitudes of theta, alpha and beta through a
# haemodynamic response.

import matplotlib.pyplot as plt
import mne
import numpy as np

from braindecode_bolt import create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import BandPowerGP
from braindecode_bolt.metrics import pearson_r

simulated = SimulatedEEGfMRI(n_subjects=6, duration=300.0, rois=["Thalamus", "Cuneus"])
windows = create_bold_windows(map(prepare_bold, simulated.load()))
train = windows.groups != "06"

# %%
# Fit
# ---
# Nothing has to be chosen: length scales, the delay and the autocorrelation of the
# noise are those under which the training data are most likely.

model = BandPowerGP().fit(windows.X[train], windows.y[train])
model.readout_.chosen_

# %%
# Predictions with their spread
# -----------------------------

mean, std = model.predict(windows.X[~train], return_std=True)
measured = windows.y[~train]
r = pearson_r(measured, mean)
inside = np.abs(measured - mean) < 1.645 * std

time = windows.metadata["volume"][~train] * 2.1
figure, all_axes = plt.subplots(2, 1, sharex=True, figsize=(8, 4.5), layout="constrained")
for column, (axes, region) in enumerate(zip(all_axes, windows.roi_names, strict=True)):
    low, high = (
        mean[:, column] - 1.645 * std[:, column],
        mean[:, column] + 1.645 * std[:, column],
    )
    axes.fill_between(time, low, high, color="tab:red", alpha=0.2, lw=0, label="90 %")
    axes.plot(time, mean[:, column], color="tab:red", label="predicted")
    axes.plot(time, measured[:, column], color="0.2", label="measured")
    share = inside[:, column].mean()
    axes.set_title(f"{region}: R = {r[column]:.2f}, {share:.0%} within", loc="left")
    axes.set_ylabel("BOLD (a.u.)")
all_axes[0].legend(ncols=3, frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
all_axes[-1].set_xlabel("Time (s)")
plt.show()

# %%
# Weights
# -------
# By electrode, band and lag, for each region. Here is their size (root mean square) for the
# thalamus. Weights of a model with many correlated features are not a map of where the
# signal comes from; :doc:`/guide/explanation` says what is.

weights = model.weights(windows.roi_names)["Thalamus"]
by_lag, by_band, by_electrode = (
    np.sqrt((weights**2).groupby(what, sort=False).mean())
    for what in ("lag", "band", "channel")
)
by_lag = by_lag.sort_index()

figure, (lag_axes, band_axes, map_axes) = plt.subplots(
    1, 3, figsize=(10, 3.2), layout="constrained"
)
lag_axes.plot(by_lag.index, by_lag, "o-", color="tab:red")
lag_axes.set(
    xlabel="lag: EEG before BOLD (s)", title="by lag", ylabel="size of the weights"
)
band_axes.bar(range(len(by_band)), by_band, color="0.6")
band_axes.set_xticks(range(len(by_band)), by_band.index.str.removesuffix("Hz"), rotation=90)
band_axes.set(xlabel="band (Hz)", title="by band")
info = mne.create_info(list(by_electrode.index), 200.0, "eeg")
info.set_montage("colin27_1005")
image, _ = mne.viz.plot_topomap(
    by_electrode.to_numpy(), info, axes=map_axes, cmap="Reds", contours=0, show=False
)
figure.colorbar(image, ax=map_axes, shrink=0.7)
map_axes.set_title("by electrode")
plt.show()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_models_plot_braindecode_model.py`,
# :ref:`sphx_glr_auto_examples_evaluate_plot_explanation.py`.
