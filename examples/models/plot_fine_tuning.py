"""
Fine-tune a network to a new person
===================================

A network was trained on other people. Of a new person there are a few minutes of EEG with
fMRI. Is it better to use the network as it is, to fine-tune it with these minutes, or to
train a new one on them alone?

EEG and BOLD are simulated. Each person has a haemodynamic response of their own, so that
there is something about a new person that the others cannot teach.
"""

# %%
# People to train on, and new people
# ----------------------------------

from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd

from braindecode_bolt import BOLDPredictor, EEGRegressor
from braindecode_bolt.datasets import SimulatedEEGfMRI

cap = {"ch_names": ["Fz", "C3", "C4", "Pz", "O1", "O2"], "rois": ["Thalamus", "Cuneus"]}
cap["coupling"] = "person-responses"
others = SimulatedEEGfMRI(n_subjects=5, duration=180.0, **cap).load()
new_people = SimulatedEEGfMRI(n_subjects=3, duration=600.0, random_state=1, **cap).load()

# %%
# Split a new person's scan in time
# ---------------------------------
# The first five minutes may be learned from, the last four are for the test. The minute
# between them belongs to neither. It must be longer than the window (16 s), so that no EEG
# is in both parts, and long enough for the slow BOLD to forget.


def part(recording, start, stop):
    """Cut a recording from one time to another, in seconds."""
    return replace(recording, raw=recording.raw.copy().crop(start, stop))


halves = [(part(each, 0, 300), part(each, 360, None)) for each in new_people]

# %%
# Three ways
# ----------
# ``fine_tune`` goes on training from the network's weights, with a third of the learning
# rate. It returns another predictor, and the first one stays as it was. The EEG is
# resampled to 100 Hz, which halves the time.

network = EEGRegressor(
    "ShallowFBCSPNet",
    lr=2e-3,
    max_epochs=8,
    batch_size=16,
    verbose=0,
)
eeg = {"sfreq": 100.0}
trained = BOLDPredictor(network, eeg=eeg).fit(others)

rows = []
for first, last in halves:
    ways = {
        "as it is": trained,
        "fine-tuned": trained.fine_tune([first]),
        "from scratch": BOLDPredictor(network, eeg=eeg).fit([first]),
    }
    for way, predictor in ways.items():
        r = predictor.score([last], progress=False)["r"].mean()
        rows.append((first.subject, way, r))
table = pd.DataFrame(rows, columns=["person", "way", "R"]).pivot(
    index="person", columns="way", values="R"
)
table.round(2)

# %%
# The same people, three times
# ----------------------------
# Each line is a person. All three ways are tested on the same four minutes.

order = ["from scratch", "as it is", "fine-tuned"]
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.plot(order, table[order].T, "o-", color="0.6")
axes.plot(order, table[order].mean(), "s", color="tab:red", ms=9, label="mean")
axes.axhline(0, color="0.2", lw=0.8)
axes.set(ylabel="R in the last four minutes")
axes.legend(frameon=False, loc="lower right")
plt.show()

# %%
# On average over these three people, fine-tuning is best: it keeps what people share, and
# learns what is the person's own. Three people are too few to say so in general.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_use_plot_save_and_share.py`.
