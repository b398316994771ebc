"""
What drives a region
====================

Which electrodes, bands and lags does a model use? The table of
:func:`~braindecode_bolt.explanation.explain` says it in the same way for each kind of
model. The recordings are simulated, so that the answer is known.
"""

# %%
# A fitted model
# --------------

from braindecode_bolt import create_bold_windows, make_estimator, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.explanation import explain
from braindecode_bolt.plotting import plot_lag_curves, plot_topographies

simulated = SimulatedEEGfMRI(n_subjects=6, duration=300.0, rois=["Thalamus", "Putamen"])
windows = create_bold_windows(map(prepare_bold, simulated.load()))
train = windows.groups < "05"
model = make_estimator("LaggedBandPower").fit(windows.X[train], windows.y[train])

# %%
# The table
# ---------
# On the windows of two people who were not in the training part. ``pattern`` says where
# the signal is: how power varies with the prediction (a correlation). ``effect`` says how
# the model uses it: by how many standard deviations the prediction changes.

table = explain(model, windows.X[~train], roi_names=windows.roi_names)
table.head(4).round(2)

# %%
# Where, and in which band: patterns
# ----------------------------------
# In the simulation the thalamus rises with alpha, and the putamen falls with beta.

figure = plot_topographies(table, ["Thalamus", "Putamen"])
figure

# %%
# When: effects over lags
# -----------------------
# The effects of a band, added up over electrodes, follow the haemodynamic response that
# was simulated: the largest some seconds before the volume. This model has a weight every
# two seconds. Glover's response is for comparison.

figure = plot_lag_curves(table, ["Thalamus", "Putamen"])
figure

# %%
# Patterns and effects belong to the model. What the model has not found does not show here.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_brain_pictures.py`.
# More about this: :doc:`/guide/explanation`.
