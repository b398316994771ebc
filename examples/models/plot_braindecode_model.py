"""
A network of braindecode
========================

:class:`~braindecode_bolt.EEGRegressor` takes the networks of braindecode by their
names. They were made for classification; here they predict the BOLD of regions.

EEG and BOLD are simulated.
"""

# %%
# Windows
# -------

import matplotlib.pyplot as plt
import numpy as np

from braindecode_bolt import EEGRegressor, create_bold_windows, make_estimator, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.metrics import pearson_r

simulated = SimulatedEEGfMRI(
    n_subjects=5,
    duration=180.0,
    ch_names=["Fz", "C3", "C4", "Pz", "O1", "O2"],
    rois=["Thalamus", "Cuneus", "Putamen", "Precuneus anterior"],
)
windows = create_bold_windows(map(prepare_bold, simulated.load()))
train = windows.groups != "05"

# %%
# Two networks and a linear model
# -------------------------------
# Number of channels, samples and regions are filled in.

models = {
    "EEGNet": EEGRegressor("EEGNet", lr=3e-3, max_epochs=6, batch_size=16, verbose=0),
    "ShallowFBCSPNet": EEGRegressor(
        "ShallowFBCSPNet", lr=2e-3, max_epochs=6, batch_size=16, verbose=0
    ),
    "LaggedBandPower": make_estimator("LaggedBandPower"),
}
scores = {}
for name, model in models.items():
    model.fit(windows.X[train], windows.y[train])
    scores[name] = pearson_r(windows.y[~train], model.predict(windows.X[~train]))
{name: r.round(2).tolist() for name, r in scores.items()}

# %%
# The ridge regression knows that power matters; the networks have to find it out from a
# few hundred windows. On this little data they are behind.

figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
places = np.arange(len(windows.roi_names))
for number, (name, r) in enumerate(scores.items()):
    axes.bar(places + 0.27 * (number - 1), r, width=0.25, label=name)
axes.axhline(0, color="0.2", lw=0.8)
axes.set_xticks(places, windows.roi_names)
axes.set_ylabel("R in subject 05")
axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
plt.show()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_models_plot_grid_search.py`,
# :ref:`sphx_glr_auto_examples_models_plot_pretraining.py`.
# More about this: :doc:`/tutorials/own_model`.
