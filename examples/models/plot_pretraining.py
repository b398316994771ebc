"""
Pre-training on EEG without fMRI
================================

A small NeuroBOLT first learns band power from EEG that has no fMRI, and then BOLD from few
people. It is compared with the same network trained from scratch.

EEG and BOLD are simulated.
"""

# %%
# EEG without fMRI
# ----------------
# Four people, other than those below. Their BOLD is not used.

import matplotlib.pyplot as plt
import numpy as np

from braindecode_bolt import EEGRegressor, create_bold_windows, prepare_bold, prepare_eeg
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.training import pretrain_band_power

cap = {"ch_names": ["Fz", "C4", "Pz", "O1", "O2"], "duration": 150.0}
without_fmri = SimulatedEEGfMRI(n_subjects=4, random_state=1, **cap).load()
small = {"embed_dim": 40, "num_layers": 1, "num_heads": 4}
small |= {"spectral_depth": 1, "spectral_num_heads": 4, "embedding_std": 1.0}
pretrained = pretrain_band_power(
    "NeuroBOLT",
    [prepare_eeg(recording) for recording in without_fmri],
    model_arguments={**small, "n_outputs": 2},
    n_steps=150,
    progress=False,
)
pretrained

# %%
# EEG with fMRI
# -------------
# Four people; one of them is the test person.

simulated = SimulatedEEGfMRI(n_subjects=4, rois=["Thalamus", "Cuneus"], **cap)
windows = create_bold_windows(map(prepare_bold, simulated.load()))
train = windows.groups != "04"

# %%
# Train both
# ----------
# A model given as an instance is a template: training starts from its weights. The network
# given by name starts from scratch. Both get the same number of epochs.

training = {"lr": 2e-3, "layer_decay": 1.0, "max_epochs": 5, "batch_size": 8, "verbose": 0}
arguments = {f"module__{name}": value for name, value in small.items()}
networks = {
    "from scratch": EEGRegressor("NeuroBOLT", **arguments, **training),
    "pre-trained": EEGRegressor(pretrained.model, **training),
}
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for name, network in networks.items():
    network.fit(windows.X[train], windows.y[train])
    r = pearson_r(windows.y[~train], network.predict(windows.X[~train]))
    print(f"{name}: R = {np.mean(r):.2f} in the test person")
    losses = network.history_[:, "valid_loss"]
    axes.plot(range(1, len(losses) + 1), losses, "o-", label=name)
axes.set(xlabel="epoch", ylabel="loss in the validation person", xticks=range(1, 6))
axes.legend(frameon=False)
plt.show()

# %%
# One test person and a minute of training show how it is done, not how much it helps.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_models_plot_fine_tuning.py`.
# More about this: :doc:`/guide/pretraining`.
