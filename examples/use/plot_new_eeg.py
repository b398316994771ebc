"""
Predict EEG that has no fMRI, save and share
============================================

A predictor is a fitted model with all that is needed to use it. It predicts BOLD from EEG
without markers or fMRI, gives intervals, and is saved in a folder without pickles.
"""

# %%
# Train on five people
# --------------------
# ``cv=5`` also fits the model without some of the people, to know R and intervals for
# people who were not seen.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from braindecode_bolt import BOLDPredictor
from braindecode_bolt.datasets import SimulatedEEGfMRI

simulated = SimulatedEEGfMRI(n_subjects=6, duration=300.0, rois=["Thalamus", "Cuneus"])
recordings = simulated.load()
predictor = BOLDPredictor("BandPowerGP").fit(recordings[:5], cv=5, progress=False)
predictor.scores_.round(2)

# %%
# A file without fMRI
# -------------------
# The sixth person, without markers and without two of the electrodes.

raw = recordings[5].raw.copy().set_annotations(None).drop_channels(["Fp1", "C3"])
mean, lower, upper = predictor.predict_interval(raw, tr=2.1, progress=False)
mean.head(3).round(2)

# %%
# Here the BOLD is known after all, so that the prediction can be checked:

measured = recordings[5].bold["Thalamus"]
times = recordings[5].marker_samples() / recordings[5].raw.info["sfreq"]
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
centred = measured - measured.mean()
axes.plot(times, centred, color="0.6", lw=0.8, label="measured, not filtered")
axes.fill_between(
    mean.index, lower["Thalamus"], upper["Thalamus"], color="tab:red", alpha=0.2, lw=0
)
axes.plot(mean.index, mean["Thalamus"], color="tab:red", label="predicted, 90 % interval")
axes.set(xlabel="Time (s)", ylabel="Thalamus")
axes.legend(frameon=False, ncols=2)

# %%
# Save and load
# -------------
# JSON, safetensors and a model card. Nothing in the folder is executed.

with tempfile.TemporaryDirectory() as temporary:
    folder = predictor.save(Path(temporary) / "my_predictor")
    print(sorted(path.name for path in folder.iterdir()))
    again = BOLDPredictor.load(folder)
    same = again.predict(raw, tr=2.1, progress=False).equals(
        predictor.predict(raw, tr=2.1, progress=False)
    )
    print("the same predictions:", same)
plt.show()
