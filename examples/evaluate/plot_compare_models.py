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
from braindecode_bolt.linear import AlphaHRF, LaggedBandPower, SparseBandPower
from braindecode_bolt.plotting import plot_r_per_region, plot_series

recordings = SimulatedEEGfMRI(
    n_subjects=8, duration=180.0, ch_names=["Fz", "C4", "Pz", "O1", "O2"]
).load()

# %%
# Evaluate
# --------
# The models are linear, since they take seconds. Networks can be added
# (``"BIOTBOLD": EEGRegressor("BIOTBOLD")``). With the control, each model is also trained
# and tested on the EEG of somebody else: it must not predict anything.

models = {
    "ridge": LaggedBandPower(),
    "sparse": SparseBandPower(n_penalties=5),
    "alpha": AlphaHRF(),
}
found = evaluate(models, recordings, n_splits=4, controls=["wrong_subject"], progress=False)
found

# %%
# Better than chance?
# -------------------
# Mean R over regions and people, its confidence interval over people, the largest R
# expected by chance, and p, which accounts for the autocorrelation of BOLD.

summary = found.summary(n_surrogates=2000)
columns = ["pipeline", "score", "ci_low", "ci_high", "null_high", "p"]
summary.loc[summary["region"] == "mean", columns].round(4)

# %%
# R of every region. Large symbols are means with confidence intervals, small dots are
# people. The black line is the ceiling, which no model exceeds on average; it is known
# since the BOLD is simulated.

figure = plot_r_per_region(found.scores, summary)
figure

# %%
# Which model is better?
# ----------------------
# Models are compared in pairs, by a permutation test over people: each person has a
# difference of R between two models. ``p_fdr`` is adjusted for all pairs, in both
# directions and with the controls. Here both ridge and sparse are better than alpha power
# alone, and are not told apart from each other.

pairs = found.compare()
of_models = pairs["better"].isin(models) & pairs["worse"].isin(models)
columns = ["better", "worse", "difference", "p", "p_fdr", "n_subjects"]
pairs.loc[of_models & (pairs["difference"] > 0), columns].round(4)

# %%
# Predicted and measured BOLD
# ---------------------------
# In the person in whom the first model does best, in a middling one, and in the worst.

figure = plot_series(found.predictions, found.scores, tr=2.1)
figure

# %%
# :func:`~braindecode_bolt.report.write_report` writes all of this to one HTML file.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_intervals.py`,
# :ref:`sphx_glr_auto_examples_evaluate_plot_explanation.py`.
# More about this: :doc:`/guide/chance`.
