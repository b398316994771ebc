"""
Cross-validation by subject in scikit-learn
===========================================

Windows and regressor work with scikit-learn's pipelines, target scaling, grid search and
``GroupKFold`` by subject.
"""

# %%
# Six subjects
# ------------

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from braindecode_bolt import EEGRegressor, NeuroBOLT, create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import BandPower
from braindecode_bolt.metrics import pearson_per_recording

simulated = SimulatedEEGfMRI(
    n_subjects=6, duration=150.0, ch_names=["Fz", "C4", "Pz", "Oz"], rois=["Thalamus"]
)
windows = create_bold_windows(map(prepare_bold, simulated.load()))
X, y, groups = windows.X, windows.y, windows.groups
windows

# %%
# ``GroupKFold`` keeps all windows of a subject in the same fold. The score is the paper's:
# R of each recording, averaged. The windows know which recording they come from.

by_subject = {"groups": groups, "cv": GroupKFold(3), "scoring": pearson_per_recording}

# %%
# A linear pipeline
# -----------------
# Ridge regression on log band power at eight lags, standardised.

ridge = make_pipeline(BandPower(segment_seconds=2.0), StandardScaler(), Ridge(1000.0))
scores = {"ridge": cross_val_score(ridge, X, y, **by_subject)}
scores["ridge"].round(2)

# %%
# NeuroBOLT in a pipeline
# -----------------------
# A model given as an instance is a template. Each fit trains a copy, so an earlier fit does
# not affect the scores. The scale of the targets is learned from the training part of
# each fold.

template = NeuroBOLT(
    n_outputs=1,
    ch_names=windows.ch_names,
    n_times=X.shape[-1],
    num_layers=1,
    spectral_depth=1,
)
network = TransformedTargetRegressor(
    EEGRegressor(template, lr=2e-3, max_epochs=6, batch_size=8, verbose=0),
    transformer=StandardScaler(),
)
scores["NeuroBOLT"] = cross_val_score(network, X, y, **by_subject)
scores["NeuroBOLT"].round(2)

# %%
# Choosing hyper-parameters inside the training part
# --------------------------------------------------
# Parameters of the pipeline's steps are searched as usual. The inner folds keep subjects
# apart, too.

search = GridSearchCV(
    ridge,
    {"ridge__alpha": np.logspace(1, 5, 5)},
    cv=GroupKFold(2),
    scoring=pearson_per_recording,
)
for train, test in GroupKFold(3).split(X, y, groups):
    search.fit(X[train], y[train], groups=groups[train])
    r = pearson_per_recording(search, X[test], y[test])
    print(f"alpha {search.best_params_['ridge__alpha']:>8g}, R {r:.2f} on test subjects")

# %%
# Comparison with chance
# ----------------------
# Ridge regression of BOLD that is unrelated to the EEG: R is about zero.

import matplotlib.pyplot as plt

shuffled = np.concatenate([y[groups == g] for g in np.roll(np.unique(groups), 1)])
scores["ridge, BOLD of\nother subjects"] = cross_val_score(ridge, X, shuffled, **by_subject)

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
for place, values in enumerate(scores.values()):
    axes.bar(place, values.mean(), color="0.85")
    axes.plot(np.full(len(values), place), values, "o", color="tab:red")
axes.axhline(0, color="0.2", lw=0.8)
axes.set_xticks(range(len(scores)), scores)
axes.set_ylabel("R on test subjects")
plt.show()
