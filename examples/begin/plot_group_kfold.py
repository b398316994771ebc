"""
Cross-validation by subject in scikit-learn
===========================================

Windows and models work with scikit-learn's pipelines, scorers and splitters. With
``GroupKFold``, all windows of a person are in the same fold, so that a model is always
tested on people whom it has not seen.

EEG and BOLD are simulated.
"""

# %%
# Six people
# ----------
# ``groups`` says whose each window is.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from braindecode_bolt import EEGRegressor, create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import BandPower
from braindecode_bolt.metrics import pearson_per_recording
from braindecode_bolt.null import wrong_subject

simulated = SimulatedEEGfMRI(
    n_subjects=6, duration=150.0, ch_names=["Fz", "C4", "Pz", "Oz"], rois=["Thalamus"]
)
windows = create_bold_windows(map(prepare_bold, simulated.load()))
X, y, groups = windows.X, windows.y, windows.groups
windows

# %%
# The score is R in each recording, averaged. The windows know which recording they come
# from.

by_subject = {"cv": GroupKFold(3), "scoring": pearson_per_recording}

# %%
# A linear pipeline
# -----------------
# Ridge regression on log band power at eight lags, standardised.

ridge = make_pipeline(BandPower(segment_seconds=2.0), StandardScaler(), Ridge(1000.0))
scores = {"ridge": cross_val_score(ridge, X, y, groups=groups, **by_subject)}
scores["ridge"].round(2)

# %%
# A network
# ---------
# :class:`~braindecode_bolt.EEGRegressor` is a scikit-learn regressor, too. The scale of the
# BOLD is learned in the training part of each fold.

network = TransformedTargetRegressor(
    EEGRegressor(
        "ShallowFBCSPNet", lr=2e-3, layer_decay=1.0, max_epochs=10, batch_size=16, verbose=0
    ),
    transformer=StandardScaler(),
)
scores["network"] = cross_val_score(network, X, y, groups=groups, **by_subject)
scores["network"].round(2)

# %%
# Comparison with chance
# ----------------------
# The same ridge regression, with each person's EEG exchanged for that of somebody else.
# If this is as good, R does not come from the EEG.

wrong = wrong_subject(windows)
scores["ridge, EEG of\nsomebody else"] = cross_val_score(
    ridge, wrong.X, wrong.y, groups=wrong.groups, **by_subject
)

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
for place, values in enumerate(scores.values()):
    axes.bar(place, values.mean(), color="0.85")
    axes.plot(np.full(len(values), place), values, "o", color="tab:red")
axes.axhline(0, color="0.2", lw=0.8)
axes.set_xticks(range(len(scores)), scores)
axes.set_ylabel("R in people not seen")
axes.set_title("bars: mean, dots: folds", loc="left", fontsize="medium")
plt.show()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_compare_models.py`,
# :ref:`sphx_glr_auto_examples_models_plot_grid_search.py`.
# More about this: :doc:`/guide/leakage`.
