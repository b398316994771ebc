"""
All regions, on pictures of the brain
=====================================

A model that predicts many regions is looked at best on the brain: in which regions is it
good, and what does a predicted volume look like?

EEG and BOLD are simulated, so the pattern on the brain has no meaning.
"""

# %%
# An atlas
# --------
# Any image of labels or of maps will do, such as DiFuMo or Schaefer's. Nothing is
# downloaded here, so this atlas is made: the brain of the MNI template, which comes with
# nilearn, cut into 24 pieces.

import numpy as np
from nilearn.datasets import load_mni152_brain_mask
from nilearn.image import coord_transform, index_img, new_img_like
from nilearn.plotting import plot_roi
from sklearn.cluster import KMeans

from braindecode_bolt import BOLDPredictor
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.plotting import plot_glass_brain, plot_surface

mask = load_mni152_brain_mask(resolution=4)
inside = mask.get_fdata() > 0
places = np.column_stack(coord_transform(*np.nonzero(inside), mask.affine))
labels = np.zeros(mask.shape, "int16")
labels[inside] = 1 + KMeans(24, n_init=1, random_state=0).fit_predict(places)
atlas = new_img_like(mask, labels)
names = [f"region {number}" for number in range(1, 25)]
shown = {"display_mode": "z", "cut_coords": [-20, 0, 20, 40, 60], "colorbar": False}
plot_roi(atlas, cmap="tab20", **shown)

# %%
# Train on five people
# --------------------
# The model uses alpha power alone, so it can only be good in regions that follow alpha.
# ``atlas`` and ``labels`` tell the predictor where its regions are. With ``cv=5`` it also
# learns how good it is in people who were left out: a value of R for each region.

recordings = SimulatedEEGfMRI(n_subjects=6, duration=240.0, rois=names).load()
predictor = BOLDPredictor("AlphaHRF", atlas=atlas, labels=names)
predictor.fit(recordings[:5], cv=5, progress=False)
r = predictor.scores_.set_index("region")["r"]
r.describe()[["min", "mean", "max"]].round(2)

# %%
# R of each region
# ----------------
# Red regions are predicted, white ones are not.

# sphinx_gallery_thumbnail_number = 2
figure = plot_glass_brain(r, atlas, names)
figure

# %%
# On the surface of the cortex:

figure = plot_surface(r, atlas, names)
figure

# %%
# Predicted volumes
# -----------------
# The sixth person's EEG, without fMRI, becomes a 4-D image with the repetition time in its
# header. Each region is filled with its predicted value; there is no detail within a
# region. ``image.to_filename("predicted_bold.nii.gz")`` writes it.

raw = recordings[5].raw.copy().set_annotations(None)
image = predictor.predict_image(raw, tr=2.1, progress=False)
image.shape

# %%
# One volume of it:

figure = plot_glass_brain(index_img(image, 60), label="predicted BOLD, volume 60")
figure

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_real_pair.py`,
# :ref:`sphx_glr_auto_examples_use_plot_new_eeg.py`.
# More about this: :doc:`/tutorials/own_atlas`.
