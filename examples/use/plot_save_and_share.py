"""
Save a model and share it
=========================

A predictor is saved in a folder of JSON, numbers (safetensors) and a model card. There are
no pickles in it: nothing is executed when somebody loads it.

EEG and BOLD are simulated.
"""

# %%
# A predictor
# -----------

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from braindecode_bolt import BOLDPredictor
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.prediction import PredictorError

recordings = SimulatedEEGfMRI(n_subjects=5, duration=200.0, rois=["Thalamus"]).load()
predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:4], cv=4, progress=False)

# %%
# Save
# ----

temporary = tempfile.TemporaryDirectory()
folder = predictor.save(Path(temporary.name) / "my_predictor")
for file in sorted(folder.iterdir()):
    print(f"{file.name:20} {file.stat().st_size / 1e3:6.1f} kB")

# %%
# The model card is for people: what the model was trained on, how good it is in people who
# were left out, what it needs, and how to use it.

print((folder / "README.md").read_text())

# %%
# Load
# ----
# With the data gone, the folder is all that is needed. It gives the same predictions.

loaded = BOLDPredictor.load(folder)
raw = recordings[4].raw.copy().set_annotations(None)
before = predictor.predict(raw, tr=2.1, progress=False)
after = loaded.predict(raw, tr=2.1, progress=False)

figure, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
axes.plot(before.index, before["Thalamus"], color="0.7", lw=5, label="before it was saved")
axes.plot(after.index, after["Thalamus"], color="tab:red", label="loaded")
axes.set(xlabel="Time (s)", ylabel="predicted Thalamus (a.u.)")
axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
plt.show()

# %%
# A folder that was altered
# -------------------------
# It is refused: each file is checked against the hash that it was saved with.

content = bytearray((folder / "arrays.safetensors").read_bytes())
content[-1] ^= 1  # One bit.
(folder / "arrays.safetensors").write_bytes(content)
try:
    BOLDPredictor.load(folder)
except PredictorError as error:
    print(str(error).replace(temporary.name, "..."))

# %%
# Share
# -----
# On the Hugging Face Hub, where the model card becomes the page of the model. This needs a
# network and an account, so it is not run here::
#
#     predictor.push_to_hub("my-lab/thalamus-from-eeg", private=True)
#     predictor = BOLDPredictor.from_pretrained("my-lab/thalamus-from-eeg")
#
# Before you share a model of real people: do they agree? The weights hold no one's EEG or
# BOLD, but they were learned from them.

temporary.cleanup()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_use_plot_stream.py`,
# :ref:`sphx_glr_auto_examples_models_plot_fine_tuning.py`.
# More about this: :doc:`/tutorials/trained_model`.
