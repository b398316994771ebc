"""
Compare models with each other and with chance
==============================================

How well is BOLD predicted, which model is better, and is R larger than chance? One call
fits models on some subjects, predicts the others, and compares R with that of surrogates
of the BOLD.

EEG and BOLD are simulated.
"""

# %%
# Recordings
# ----------
# Eight simulated subjects. ``evaluate`` takes recordings whose BOLD was not filtered yet
# and prepares it in each fold.

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import AlphaHRF, LaggedBandPower, MeanBOLD, SparseBandPower

recordings = SimulatedEEGfMRI(
    n_subjects=8, duration=180.0, ch_names=["Fz", "C4", "Pz", "O1", "O2"]
).load()

# %%
# Evaluate
# --------
# The models are linear baselines, since they take seconds. Networks can be added
# (``"BIOTBOLD": EEGRegressor("BIOTBOLD")``). The control trains each model again on the
# EEG of other subjects.

models = {
    "alpha": AlphaHRF(),
    "ridge": LaggedBandPower(),
    "sparse": SparseBandPower(n_penalties=5),
    "mean": MeanBOLD(),
}
found = evaluate(models, recordings, n_splits=4, controls=["wrong_subject"], progress=False)
found

# %%
# Summary
# -------
# Means over recordings, with confidence intervals over subjects, the range of R expected
# by chance, and p-values that account for the autocorrelation of BOLD. R is undefined for
# constant predictions.

summary = found.summary(n_surrogates=2000)
columns = ["pipeline", "score", "ci_low", "ci_high", "null_low", "null_high", "p", "mse"]
summary.loc[summary["region"] == "mean", columns].round(3)

# %%
# R of every region. Filled symbols are larger than chance. The black lines are
# window-limited noise ceilings; on average no model can exceed them.

import matplotlib.pyplot as plt

from braindecode_bolt.plotting import plot_r_per_region, plot_series

figure = plot_r_per_region(found.scores, summary)
figure

# %%
# Which model is better?
# ----------------------
# Models are compared in pairs by a permutation test, paired over subjects. p is adjusted
# for the number of pairs.

columns = ["better", "worse", "difference", "p", "p_fdr", "n_subjects", "n_cells"]
found.compare().query("better == 'sparse' and p < 0.1")[columns].round(3)

# %%
# Predicted and measured BOLD of the best, the median and the worst recording.

figure = plot_series(found.predictions, found.scores, tr=2.1)
figure

# %%
# :func:`~braindecode_bolt.report.write_report` writes all of this to one HTML file.

plt.close("all")

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_intervals.py`,
# :ref:`sphx_glr_auto_examples_evaluate_plot_explanation.py`.
# More about this: :doc:`/guide/chance`.
