"""
Models against each other, and against chance
=============================================

How well is BOLD predicted, which model is better, and is it more than chance? One call
fits models on some subjects, predicts others, and compares with surrogates of the BOLD.
"""

# %%
# Recordings
# ----------
# Eight simulated subjects. ``evaluate`` takes recordings whose BOLD is not filtered yet
# and prepares it fold by fold.

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import AlphaHRF, LaggedBandPower, MeanBOLD, SparseBandPower

recordings = SimulatedEEGfMRI(
    n_subjects=8, duration=180.0, ch_names=["Fz", "C4", "Pz", "O1", "O2"]
).load()

# %%
# Evaluate
# --------
# Linear models here, since they take seconds; networks go beside them
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
# What it is worth
# ----------------
# Means over recordings, with confidence intervals over subjects, the band in which R lies
# by chance, and p-values that respect the autocorrelation of BOLD. Constant predictions
# have no R.

summary = found.summary(n_surrogates=2000)
columns = ["pipeline", "score", "ci_low", "ci_high", "null_low", "null_high", "p", "mse"]
summary.loc[summary["region"] == "mean", columns].round(3)

# %%
# Every region, in one figure. Filled symbols are more than chance; the black lines are
# window-limited noise ceilings that no model can exceed on average.

import matplotlib.pyplot as plt

from braindecode_bolt.plotting import plot_r_per_region, plot_series

figure = plot_r_per_region(found.scores, summary)
figure

# %%
# Which model is better?
# ----------------------
# Paired over subjects, by a permutation test; p is adjusted for the number of pairs.

columns = ["better", "worse", "difference", "p", "p_fdr", "n_subjects", "n_cells"]
found.compare().query("better == 'sparse' and p < 0.1")[columns].round(3)

# %%
# And what does a prediction look like? The best, the median and the worst recording.

figure = plot_series(found.predictions, found.scores, tr=2.1)
figure

# %%
# :func:`~braindecode_bolt.report.write_report` puts all of it into one HTML file.

plt.close("all")
