"""
A real pair: EEG and fMRI of three people
=========================================

Three people whose EEG and fMRI were recorded together, awake and asleep (OpenNeuro
ds003574, Sterpenich et al. 2021, CC0). The data set shares EEG power in six bands per
volume, and the output of a classifier of the BOLD volumes. So the target here is **not
the BOLD of a brain region**, but something that was computed from the BOLD of the whole
brain.

The example predicts it from EEG power in a person that the model has not seen, and then
asks what the result is worth.
"""

# %%
# The tables
# ----------
# A row per volume. The target is the probability of the state "rest", as a logit.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

TR = 2.1
BANDS = {
    "slow_wave": (0.5, 1.0),
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 12.0),
    "sigma": (12.0, 16.0),
    "beta": (16.0, 30.0),
}
folder = Path("data") if Path("data").exists() else Path("examples/data")
tables = []
for file in sorted(folder.glob("sub-*.tsv.gz")):
    table = pd.read_csv(file, sep="\t")
    p = table["rest"].clip(1e-4, 1 - 1e-4)
    table["rest"] = np.log(p / (1 - p))
    table["minutes"] = table["volume"] * TR / 60
    table["asleep"] = (table["sleep_stage"] > 0).astype(float)
    tables.append(table.assign(subject=file.name[4:6]))
tables[0].iloc[:3, :9]

# %%
# Windows of features
# -------------------
# Each window holds the power of a volume and of the seven volumes before it.

from braindecode_bolt.windows import create_feature_windows


def windows_of(features):
    """Make windows from some columns of the tables."""
    bands = {name: BANDS[name] for name in features if name in BANDS}
    return create_feature_windows(tables, "rest", features, tr=TR, n_lags=8, bands=bands)


windows = windows_of(list(BANDS))
windows

# %%
# Leave one person out
# --------------------
# EEG power against three rivals that are not EEG power: the time in the scan, the sleep
# stage (which was scored from the EEG by experts), and EEG power of *another* person.

from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import LaggedBandPower

rivals = {
    "EEG power": (list(BANDS), LaggedBandPower(standardise="recording"), ["wrong_subject"]),
    "sleep stage": (["asleep"], LaggedBandPower(), []),
    "time in the scan": (["minutes"], LaggedBandPower(), []),
}
predictions, scores = {}, {}
for name, (features, model, controls) in rivals.items():
    found = evaluate(
        {name: model},
        windows_of(features),
        "leave-one-subject-out",
        controls=controls,
        progress=False,
    )
    for pipeline, rows in found.scores.groupby("pipeline"):
        scores[pipeline] = rows.set_index("subject")["score"]
    predictions[name] = found.predictions[found.predictions["pipeline"] == name]
pd.DataFrame(scores).round(2)

# %%
# Without drift
# -------------
# The target drifts in the scan, and in much the same way in all three people. So we
# take away everything slower than 126 s, from measurement and prediction, and compare R
# with that of circular shifts of each person's own series.

from nilearn.signal import clean

from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.null import null_r


def without_drift(series):
    """Remove slow cosines."""
    return clean(
        series[:, None], filter="cosine", t_r=TR, high_pass=1 / 126, standardize=None
    )


rows = []
for name, table in predictions.items():
    for subject, person in table.groupby("subject"):
        measured = without_drift(person["measured:rest"].to_numpy(float))
        predicted = without_drift(person["predicted:rest"].to_numpy(float))
        null = null_r(
            measured,
            predicted,
            np.zeros(len(measured)),
            method="shift",
            tr=TR,
            n_surrogates=1000,
        )
        r = pearson_r(measured, predicted)[0]
        rows.append((name, subject, r, null.p_per_recording[0, 0]))
fast = pd.DataFrame(rows, columns=["predicted from", "subject", "R", "p"])
fast.pivot(index="subject", columns="predicted from", values=["R", "p"]).round(3)

# %%
# A picture
# ---------

person = predictions["EEG power"].query("subject == '11'")
minutes = person["volume"] * TR / 60
figure, axes = plt.subplots(
    1, 2, figsize=(10, 3.6), width_ratios=[5, 4], layout="constrained"
)
axes[0].plot(minutes, person["measured:rest"], color="0.7", lw=0.5, label="measured")
axes[0].plot(minutes, person["predicted:rest"], color="tab:red", lw=0.8, label="predicted")
axes[0].set(xlabel="minutes", ylabel="logit of rest", title="subject 11, from EEG power")
axes[0].legend(frameon=False, loc="lower left", ncols=2)
axes[0].set_ylim(-12, 10)
for place, (name, values) in enumerate(scores.items()):
    axes[1].plot(np.full(3, place), values, "o", color="0.6")
    kept = fast.loc[fast["predicted from"] == name, "R"]
    axes[1].plot(np.full(len(kept), place + 0.2), kept, "o", color="tab:red")
axes[1].axhline(0, color="0.2", lw=0.8)
names = ["EEG power", "EEG power of\nsomebody else", "sleep\nstage", "time in\nthe scan"]
axes[1].set_xticks(range(len(scores)), names)
axes[1].set(ylabel="R in each person", title="grey: as it is, red: without drift")
plt.show()

# %%
# What this shows, and what it does not
# -------------------------------------
# In two of the three people the time in the scan predicts the target better than EEG
# power does: much of R comes from a drift that everybody shares. The sleep stage,
# learned from two people, carries over to the third in one case of three, once the
# drift is gone. What is left for EEG power without the drift is small (R from .06 to
# .18). Three people are too few for a conclusion; ``benchmarks/real_pair.py`` does the
# same with twelve. And since the target is the output of a classifier, nothing here
# says how well the BOLD of a region is predicted.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_compare_models.py`.
# More about this: :doc:`/guide/what_was_shown`.
