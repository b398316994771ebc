"""
A net of 128 electrodes
=======================

Electrodes of BioSemi's nets are called A1 to D32. Networks whose weights belong to
sites of the 10-05 system (such as LaBraM's) need to know which electrode is where. With
the name of the montage, each electrode gets the name of the nearest site.

EEG and BOLD are simulated.
"""

# %%
# Which electrode is nearest to which site
# ----------------------------------------

import matplotlib.pyplot as plt
import mne
import numpy as np

from braindecode_bolt import (
    Recording,
    create_bold_windows,
    make_estimator,
    prepare_bold,
    prepare_eeg,
)
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.eeg import electrode_sites
from braindecode_bolt.metrics import pearson_r

montage = mne.channels.make_standard_montage("biosemi128")
info = mne.create_info(montage.ch_names, 200.0, "eeg")
raw = mne.io.RawArray(np.zeros((128, 10)), info, verbose="error")
sites = electrode_sites(raw, "biosemi128")
sites.head()

# %%
# 127 of the 128 electrodes have a site within 12 mm. One has none and is left out.

distances = sites["distance_mm"].dropna()
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
placed = info.copy().set_montage(montage)
named = mne.pick_info(placed, mne.pick_channels(placed.ch_names, list(distances.index)))
image, _ = mne.viz.plot_topomap(
    distances.loc[named.ch_names],
    named,
    axes=axes[0],
    cmap="viridis",
    contours=0,
    show=False,
)
figure.colorbar(image, ax=axes[0], label="distance to the site (mm)")
axes[1].hist(distances, bins=24, color="0.6")
axes[1].set(xlabel="distance to the site (mm)", ylabel="electrodes")
plt.show()

# %%
# Recordings of such a net
# ------------------------
# Simulated at the sites of 32 of the electrodes, and then given BioSemi's names, as
# they would come from the amplifier.

chosen = sites.dropna().iloc[::4]
simulated = SimulatedEEGfMRI(
    n_subjects=4, duration=150.0, ch_names=list(chosen["site"]), rois=["Thalamus"]
).load()
names = dict(zip(chosen["site"], chosen.index, strict=True))
recordings = [
    Recording(each.raw.copy().rename_channels(names), subject=each.subject)
    for each in simulated
]
recordings[0].raw.ch_names[:8]

# %%
# Without the montage the names are refused, since A1 and C3 mean other places in the
# 10-20 system.

try:
    prepare_eeg(recordings[0])
except ValueError as error:
    print(error)

# %%
# With it, they get the names of their sites:

prepared = [prepare_bold(prepare_eeg(each, montage="biosemi128")) for each in recordings]
prepared[0].raw.ch_names[:8]

# %%
# Fit
# ---
# From here on nothing is special. NeuroBOLT finds the rows of LaBraM's embedding by
# these names (``unknown_channels="nearest"`` for sites that LaBraM does not have), so
# that ``pretrained=`` works, too. Here is a model that takes seconds.

windows = create_bold_windows(prepared)
train = windows.groups != "04"
model = make_estimator("BandPowerGP").fit(windows.X[train], windows.y[train])
r = pearson_r(windows.y[~train], model.predict(windows.X[~train]))
print(f"R of the thalamus in subject 04: {r[0]:.2f}")

# %%
# **Next:** :ref:`sphx_glr_auto_examples_models_plot_gaussian_process.py`.
# More about this: :doc:`/guide/montages`.
