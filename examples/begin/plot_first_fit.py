"""
A first fit
===========

From recordings to predicted BOLD: cut a window of EEG for each fMRI volume, train a small
NeuroBOLT on three people, and predict the fourth.

EEG and BOLD are simulated, so that the example needs no data.
"""

# %%
# Recordings
# ----------
# A recording is EEG whose volume markers carry the BOLD of each volume. To use your own,
# see :class:`~braindecode_bolt.datasets.EEGfMRIFolder`, or use
# :func:`~braindecode_bolt.attach_bold` with any MNE Raw object.

import numpy as np

from braindecode_bolt import EEGRegressor, create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI

simulated = SimulatedEEGfMRI(
    n_subjects=4,
    duration=240.0,
    ch_names=["Fz", "C3", "C4", "Pz", "O1", "O2"],
    rois=["Thalamus", "Cuneus", "Putamen"],
)
recordings = [prepare_bold(recording) for recording in simulated.load()]
recordings[0]

# %%
# The noise in the simulated BOLD is known, and so is the noise ceiling: the best R that a
# model can reach on average.

recordings[0].ceiling.round(2)

# %%
# Windows
# -------
# The window of a volume is the 16 s of EEG that end at its marker. ``X`` is indexed like
# an array, but cuts windows only when they are read.

windows = create_bold_windows(recordings, window_seconds=16.0)
windows

# %%
# Volumes at the beginning of a run have no full window and are left out.

windows.left_out

# %%
# Training
# --------
# The model is given by name; the regressor fills in channels, samples and regions. This
# is a small NeuroBOLT with one block in each encoder. One of the three training subjects
# is used for validation, and the weights of the best epoch are restored.

train = windows.groups != "04"
regressor = EEGRegressor(
    "NeuroBOLT",
    module__num_layers=1,
    module__spectral_depth=1,
    lr=2e-3,
    max_epochs=4,
    batch_size=8,
    verbose=0,
)
regressor.fit(windows.X[train], windows.y[train])
np.round(regressor.history_[:, "valid_loss"], 2)

# %%
# Prediction
# ----------
# R is the correlation of measured and predicted BOLD in the fourth person. On average over
# people, no model exceeds the ceiling; in a single person it may.

import matplotlib.pyplot as plt

from braindecode_bolt.metrics import pearson_r

predicted = regressor.predict(windows.X[~train])
measured = windows.y[~train]
r = pearson_r(measured, predicted)

times = windows.metadata["stop"][~train] / windows.sfreq
figure, all_axes = plt.subplots(3, 1, sharex=True, figsize=(8, 5), layout="constrained")
for column, (axes, region) in enumerate(zip(all_axes, windows.roi_names, strict=True)):
    axes.plot(times, measured[:, column], color="0.2", label="measured")
    axes.plot(times, predicted[:, column], color="tab:red", label="predicted")
    axes.set_title(f"{region}: R = {r[column]:.2f}", loc="left")
    axes.set_ylabel("BOLD (a.u.)")
all_axes[0].legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
all_axes[-1].set_xlabel("Time (s)")
plt.show()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_begin_plot_group_kfold.py`,
# :ref:`sphx_glr_auto_examples_recordings_plot_markers.py`.
