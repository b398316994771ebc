"""
Predict EEG that has no fMRI
============================

A predictor is a fitted model with all that is needed to use it: how EEG is prepared, which
electrodes and regions there are, and how good it is. It takes EEG as it is read from a
file, without volume markers, and gives a table of predicted BOLD with intervals.

EEG and BOLD are simulated.
"""

# %%
# Train on five people
# --------------------
# ``cv=5`` also fits the model without some of the people, to know R and intervals for
# people who were not seen.

import matplotlib.pyplot as plt

from braindecode_bolt import BOLDPredictor
from braindecode_bolt.datasets import SimulatedEEGfMRI

simulated = SimulatedEEGfMRI(n_subjects=6, duration=240.0, rois=["Thalamus", "Cuneus"])
recordings = simulated.load()
predictor = BOLDPredictor("BandPowerGP").fit(recordings[:5], cv=5, progress=False)
predictor.scores_.round(2)

# %%
# EEG without fMRI
# ----------------
# The sixth person, without markers and without two of the electrodes. Models that can do
# with the others say so in the log; further models need ``missing="interpolate"``. With
# five people, no interval above 5/6 can be guaranteed, so this is one of 80 %.

raw = recordings[5].raw.copy().set_annotations(None).drop_channels(["Fp1", "C3"])
mean, lower, upper = predictor.predict_interval(raw, tr=2.1, level=0.8, progress=False)
mean.head(3).round(2)

# %%
# Check it
# --------
# Here the BOLD is known after all. It is shown as it was recorded, with its mean removed;
# the prediction is of BOLD below 0.15 Hz.

times = recordings[5].marker_samples() / recordings[5].raw.info["sfreq"]
figure, all_axes = plt.subplots(2, 1, sharex=True, figsize=(8, 4.6), layout="constrained")
for axes, region in zip(all_axes, mean.columns, strict=True):
    measured = recordings[5].bold[region]
    axes.plot(times, measured - measured.mean(), color="0.6", lw=0.8, label="measured")
    axes.fill_between(
        mean.index, lower[region], upper[region], color="tab:red", alpha=0.2, lw=0
    )
    axes.plot(mean.index, mean[region], color="tab:red", label="predicted, 80 % interval")
    axes.set_title(region, loc="left")
    axes.set_ylabel("BOLD (a.u.)")
all_axes[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
all_axes[-1].set_xlabel("Time (s)")
plt.show()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_use_plot_save_and_share.py`,
# :ref:`sphx_glr_auto_examples_use_plot_stream.py`.
# More about this: :doc:`/tutorials/trained_model`.
