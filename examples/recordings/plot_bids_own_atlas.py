"""
A BIDS data set with your own atlas
===================================

EEG and preprocessed fMRI in BIDS, region series extracted with an atlas of your own.
The data set is written here: simulated EEG, and small images in which two regions carry
simulated BOLD.
"""

# %%
# Write a small data set
# ----------------------
# EEG by mne-bids; images and confounds as fMRIPrep names them.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import nibabel
import numpy as np
import pandas as pd
from mne_bids import BIDSPath, write_raw_bids
from nilearn.plotting import plot_roi

from braindecode_bolt import create_bold_windows, make_estimator, prepare_bold, prepare_eeg
from braindecode_bolt.datasets import BIDSEEGfMRI, SimulatedEEGfMRI
from braindecode_bolt.metrics import pearson_r

temporary = tempfile.TemporaryDirectory()
root = Path(temporary.name) / "study"
rng = np.random.default_rng(0)
affine = np.diag([8.0, 8.0, 8.0, 1.0])
affine[:3, 3] = -72, -104, -64
shape = (18, 22, 18)

labels = np.zeros(shape, "int16")
labels[7:11, 9:12, 7:10] = 1  # near the thalamus
labels[7:11, 2:5, 9:12] = 2  # near the cuneus
atlas = nibabel.Nifti1Image(labels, affine)
names = ["my thalamus", "my cuneus"]

simulated = SimulatedEEGfMRI(n_subjects=4, duration=200.0, rois=["Thalamus", "Cuneus"])
for recording in simulated.load():
    raw = recording.raw.copy()
    raw.info["line_freq"] = 50
    onsets = recording.marker_samples() / raw.info["sfreq"]
    raw.set_annotations(mne.Annotations(onsets, 0.0, "R128"))
    path = BIDSPath(recording.subject, task="rest", root=root, datatype="eeg")
    write_raw_bids(raw, path, format="BrainVision", allow_preload=True, verbose="error")

    bold = recording.bold.to_numpy()
    volumes = 100 + rng.standard_normal((*shape, len(bold))).astype("float32")
    for number in (1, 2):
        volumes[labels == number] += 3 * bold[:, number - 1]
    image = nibabel.Nifti1Image(volumes, affine)
    image.header.set_zooms((8, 8, 8, 2.1))
    image.header.set_xyzt_units("mm", "sec")
    func = root / "derivatives" / "fmriprep" / f"sub-{recording.subject}" / "func"
    func.mkdir(parents=True)
    stem = f"sub-{recording.subject}_task-rest"
    image.to_filename(func / f"{stem}_space-T1w_desc-preproc_bold.nii.gz")
    motion = pd.DataFrame(
        0.01 * rng.standard_normal((len(bold), 6)),
        columns=["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"],
    )
    motion.to_csv(func / f"{stem}_desc-confounds_timeseries.tsv", sep="\t", index=False)

# %%
# The atlas
# ---------
# An image of labels, and a name for each.

plot_roi(atlas, cmap="tab10", colorbar=False, cut_coords=(-4, -24, 4), draw_cross=False)
plt.show()

# %%
# Read it
# -------
# EEG and image of the same subject and task belong together. Six motion parameters are
# regressed out of the series, unless ``confounds`` says otherwise.

dataset = BIDSEEGfMRI(
    root,
    derivatives=root / "derivatives" / "fmriprep",
    bold="*_desc-preproc_bold.nii.gz",
    atlas=atlas,
    extraction={"labels": names, "verbose": 0},
    tr=2.1,
)
recordings = [prepare_bold(prepare_eeg(recording)) for recording in dataset.load()]
recordings[0].bold.head(3).round(2)

# %%
# Predict the fourth subject
# --------------------------

windows = create_bold_windows(recordings)
train = windows.groups != "04"
model = make_estimator("BandPowerGP").fit(windows.X[train], windows.y[train])
predicted = model.predict(windows.X[~train])
r = pearson_r(windows.y[~train], predicted)

figure, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
axes.plot(windows.y[~train][:, 0], color="0.2", label="measured")
axes.plot(predicted[:, 0], color="tab:red", label="predicted")
axes.set(title=f"{names[0]}: R = {r[0]:.2f}", xlabel="Volume", ylabel="BOLD (a.u.)")
axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
plt.show()
temporary.cleanup()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_recordings_plot_montage_128.py`,
# :ref:`sphx_glr_auto_examples_evaluate_plot_brain_pictures.py`.
# More about this: :doc:`/tutorials/bids`.
