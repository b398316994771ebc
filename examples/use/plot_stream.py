"""
Predict a stream of EEG
=======================

:class:`~braindecode_bolt.BOLDStream` takes EEG in chunks, as they come from an
amplifier, and predicts whenever a repetition time has passed. Here the chunks come from
a recording.

EEG and BOLD are simulated.
"""

# %%
# A predictor
# -----------

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from braindecode_bolt import BOLDPredictor, BOLDStream
from braindecode_bolt.datasets import SimulatedEEGfMRI

simulated = SimulatedEEGfMRI(n_subjects=4, duration=240.0, rois=["Thalamus"])
recordings = simulated.load()
predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:3])

# %%
# The stream
# ----------
# Half a second at a time. Models that standardise power by the recording
# (``BandPowerGP``) also need ``calibration``: some minutes of the same person.

raw = recordings[3].raw
stream = BOLDStream(predictor, raw.info, tr=2.1)
step = round(0.5 * raw.info["sfreq"])
found, seconds = [], []
for start in range(0, raw.n_times, step):
    begin = time.perf_counter()
    table = stream.push(raw[:, start : start + step][0])
    if len(table):
        seconds.append(time.perf_counter() - begin)
        found.append(table)
streamed = pd.concat(found)
print(f"{len(streamed)} predictions, {1e3 * np.median(seconds):.1f} ms each")

# %%
# The same as at once
# -------------------
# Nothing was filtered here, so that the stream gives what ``predict`` gives. Filters of
# a stream can only look back; the page of the class says what that changes.

whole = predictor.predict(raw.copy().set_annotations(None), tr=2.1, progress=False)
figure, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
axes.plot(whole.index, whole["Thalamus"], color="0.7", lw=4, label="the whole recording")
axes.plot(streamed.index, streamed["Thalamus"], color="tab:red", label="stream")
axes.set(xlabel="Time (s)", ylabel="predicted Thalamus (a.u.)")
axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
plt.show()
both = pd.concat([whole, streamed], axis=1, join="inner")
print(f"largest difference: {np.ptp(both.to_numpy(), axis=1).max():.2g}")

# %%
# **Next:** :ref:`sphx_glr_auto_examples_models_plot_fine_tuning.py`.
