"""
Search over hyper-parameters
============================

Which penalty, which length of segments? Such hyper-parameters are chosen inside the
training part, with whole people kept apart there, too. scikit-learn's searches do that with
:class:`~braindecode_bolt.splits.GroupSplit`.

EEG and BOLD are simulated.
"""

# %%
# Windows
# -------

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import BandPower
from braindecode_bolt.metrics import pearson_per_recording
from braindecode_bolt.splits import GroupSplit

recordings = SimulatedEEGfMRI(
    n_subjects=6, duration=150.0, ch_names=["Fz", "C4", "Pz", "Oz"], rois=["Thalamus"]
).load()

# %%
# A pipeline
# ----------
# The length of the segments in which power is computed, and the penalty.

ridge = make_pipeline(BandPower(), StandardScaler(), Ridge())
search = GridSearchCV(
    ridge,
    {
        "bandpower__segment_seconds": [1.0, 2.0, 4.0],
        "ridge__alpha": [10.0, 1000.0, 100000.0],
    },
    cv=GroupSplit("subject", 3),
    scoring=pearson_per_recording,
)

# %%
# ``evaluate`` takes a search like any other model. Each fold searches again, on its
# training subjects only; so the score of the test subjects is not affected by the
# choice.

found = evaluate({"ridge, searched": search}, recordings, n_splits=3, progress=False)
found.scores[["subject", "region", "score"]].round(2)

# %%
# What the search sees on all subjects
# ------------------------------------

from braindecode_bolt import create_bold_windows, prepare_bold

windows = create_bold_windows(map(prepare_bold, recordings))
search.fit(windows.X, windows.y)
table = pd.DataFrame(search.cv_results_)
grid = table.pivot(
    index="param_bandpower__segment_seconds",
    columns="param_ridge__alpha",
    values="mean_test_score",
)
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
image = axes.imshow(grid, cmap="viridis", aspect="auto")
axes.set_xticks(range(grid.shape[1]), [f"{alpha:g}" for alpha in grid.columns])
axes.set_yticks(range(grid.shape[0]), [f"{seconds:g} s" for seconds in grid.index])
axes.set(xlabel="penalty", ylabel="length of segments")
figure.colorbar(image, label="R, people left out")
plt.show()
search.best_params_

# %%
# A network is searched in the same way: arguments of the network are parameters of the
# regressor that begin with ``module__``, such as ``GridSearchCV(EEGRegressor("BEIRA"),
# {"module__n_feature_maps": [8, 16]}, ...)``.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_compare_models.py`.
# More about this: :doc:`/guide/leakage`.
