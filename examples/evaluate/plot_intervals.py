"""
Intervals that hold for new people
==================================

How far may a prediction be off? An interval of 90 % should hold 90 % of the volumes of a
person whom the model has *not* seen. This example makes such intervals, and counts in new
people whether they hold.

EEG and BOLD are simulated.
"""

# %%
# Ten people to learn from, ten new ones
# --------------------------------------
# ``cv=5`` fits the model five times more, each time without some of the people. The errors
# on those who were left out give the width of the intervals.

import matplotlib.pyplot as plt
import numpy as np

from braindecode_bolt import BOLDPredictor, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI

recordings = SimulatedEEGfMRI(n_subjects=20, duration=200.0, rois=["Thalamus"]).load()
predictor = BOLDPredictor("LaggedBandPower")
predictor.fit(recordings[:10], cv=5, progress=False)
predictor.intervals_

# %%
# No method can promise more than n / (n + 1) for a new person without further assumptions,
# where n is the number of people:

round(predictor.intervals_.highest_promised_, 2)

# %%
# The intervals of a new person
# -----------------------------
# They are at the times of the volumes, so that they can be compared with measured BOLD.


def measured_and_times(recording):
    """BOLD as it is predicted, below 0.15 Hz, and the times of the volumes."""
    times = recording.marker_samples() / recording.raw.info["sfreq"]
    return prepare_bold(recording).bold["Thalamus"].to_numpy(), times


measured, times = measured_and_times(recordings[10])
mean, lower, upper = (
    table["Thalamus"]
    for table in predictor.predict_interval(
        recordings[10], times=times, level=0.9, progress=False
    )
)
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.fill_between(
    times, lower, upper, color="tab:red", alpha=0.2, lw=0, label="90 % interval"
)
axes.plot(times, mean, color="tab:red", label="predicted")
axes.plot(times, measured, color="0.2", label="measured")
axes.set(xlabel="Time (s)", ylabel="Thalamus (a.u.)")
axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
plt.show()

# %%
# Do they hold?
# -------------
# The part of the volumes within the interval, for each of the ten new people and several
# levels. Beside it, what many would do: take the width from the errors on the training
# people themselves. Those errors are smaller than those on new people.

levels = [0.5, 0.6, 0.7, 0.8, 0.9]


def errors(recording):
    """Distance of prediction and measurement, where there is a prediction."""
    measured, times = measured_and_times(recording)
    found = predictor.predict(recording, times=times, progress=False)["Thalamus"]
    distance = np.abs(measured - found.to_numpy())
    return distance[np.isfinite(distance)]


new = [errors(recording) for recording in recordings[10:]]
training = np.concatenate([errors(recording) for recording in recordings[:10]])
widths = {
    "from people left out": [predictor.intervals_.half_width(level)[0] for level in levels],
    "from training errors": np.quantile(training, levels),
}
# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(figsize=(5.5, 4), layout="constrained")
axes.plot(levels, levels, color="0.2", lw=0.8, label="as wanted")
for (name, width), colour in zip(widths.items(), ("tab:red", "tab:blue"), strict=True):
    coverage = np.array([[np.mean(person <= half) for half in width] for person in new])
    shifted = np.array(levels) + (0.006 if colour == "tab:red" else -0.006)
    axes.plot(shifted, coverage.T, ".", color=colour, alpha=0.3)
    axes.plot(levels, coverage.mean(axis=0), "o-", color=colour, label=name)
axes.set(xlabel="level of the interval", ylabel="volumes within it, new people")
axes.legend(frameon=False, loc="upper left")
plt.show()

# %%
# The level holds on average over people (large symbols), not in each of them (small ones).
# Intervals made of training errors hold less than they say. With this linear model the
# difference is small; it grows with a model that fits its training data more closely.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_use_plot_new_eeg.py`.
# More about this: :doc:`/guide/intervals`.
