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

import matplotlib.pyplot as plt
import mne

from braindecode_bolt import create_bold_windows, make_estimator, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.explanation import explain

simulated = SimulatedEEGfMRI(n_subjects=6, duration=300.0, rois=["Thalamus"])
windows = create_bold_windows(map(prepare_bold, simulated.load()))
train = windows.groups < "05"
model = make_estimator("LaggedBandPower").fit(windows.X[train], windows.y[train])

# %%
# The table
# ---------
# On the windows of two people who were not in the training part. ``pattern`` says where
# the signal is, ``effect`` how the model uses it.

table = explain(model, windows.X[~train], roi_names=windows.roi_names)
table.head(4).round(2)

# %%
# Where and in which band: patterns
# ---------------------------------
# The strongest band, on the scalp, at the lag where its patterns are largest.

strength = table["pattern"].abs().groupby(table["band"], sort=False).mean()
band = strength.idxmax()
rows = table[table["band"] == band]
lag = rows["pattern"].abs().groupby(rows["lag"]).mean().idxmax()
pattern = rows[rows["lag"] == lag].set_index("electrode")["pattern"]

info = mne.create_info(list(pattern.index), 200.0, "eeg")
info.set_montage("colin27_1005")
figure, (bands, scalp) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
bands.bar(range(len(strength)), strength, color="0.6")
bands.set_xticks(range(len(strength)), strength.index, rotation=45)
bands.set(title="bands", ylabel="mean |pattern|")
mne.viz.plot_topomap(pattern.to_numpy(), info, axes=scalp, show=False)
scalp.set_title(f"{band}, {lag:.1f} s before the volume")
plt.show()

# %%
# When: effects over lags
# -----------------------
# The effects of the strongest band, added up over electrodes, follow the haemodynamic
# response that was simulated: a dip or peak some seconds before the volume.

effect = rows.groupby("lag")["effect"].sum()
figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
axes.plot(effect.index, effect, "o-", color="tab:red")
axes.axhline(0, color="0.2", lw=0.8)
axes.set(title=f"effect of {band}", xlabel="lag (s)")
plt.show()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_evaluate_plot_brain_pictures.py`.
# More about this: :doc:`/guide/explanation`.
