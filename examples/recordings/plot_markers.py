"""
Volume markers that need mending
================================

In real recordings, amplifiers write some volume markers twice, some late, and miss others.
EEG and BOLD can only be aligned if there is exactly one marker per volume. This example
puts such faults into a simulated recording, and mends them.
"""

# %%
# A recording with faults
# -----------------------
# Five minutes, a volume every 2.1 s. The first thirty markers are written twice, four are
# late by 15 to 60 ms, three are missing, and there is one that belongs to no volume.

import matplotlib.pyplot as plt
import mne
import numpy as np

from braindecode_bolt import (
    Recording,
    attach_bold,
    create_bold_windows,
    find_volume_markers,
)
from braindecode_bolt.datasets import SimulatedEEGfMRI

(recording,) = SimulatedEEGfMRI(n_subjects=1, duration=300.0).load()
raw, bold = recording.raw.copy(), recording.bold

onsets = recording.marker_samples() / raw.info["sfreq"]
onsets[[55, 70, 85, 100]] += [0.015, 0.06, 0.03, 0.045]
twice, nowhere = onsets[:30] + 0.005, onsets[120] + 0.9
onsets = np.delete(onsets, [40, 91, 92])
written = np.sort(np.concatenate([onsets, twice, [nowhere]]))
raw.set_annotations(mne.Annotations(written, 0.0, "Response/R128"))

# %%
# Mend them
# ---------
# There must be as many volumes as rows of BOLD. A missing marker is an error, unless
# ``missing="fill"`` puts it where it belongs. The report says what was changed.

volumes = find_volume_markers(raw, tr=2.1, n_volumes=len(bold), missing="fill")
print(volumes.report)

# %%
# Its table lists every marker that was written, and what became of it:

volumes.report.markers["status"].value_counts()

# %%
# Before and after
# ----------------
# The time from each marker to the next should be 2.1 s.

found = volumes.report.markers
minutes = found["sample"] / raw.info["sfreq"] / 60
interval = np.diff(found["sample"], prepend=np.nan) / raw.info["sfreq"]
colours = {
    "kept": "0.6",
    "duplicate": "tab:blue",
    "moved": "tab:red",
    "spurious": "tab:orange",
}

figure, (before, after) = plt.subplots(
    2, 1, sharex=True, sharey=True, figsize=(8, 4.4), layout="constrained"
)
for status, colour in colours.items():
    rows = found["status"] == status
    before.plot(minutes[rows], interval[rows], "o", ms=4, color=colour, label=status)
before.set_title("as written", loc="left")
before.legend(frameon=False, ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
mended = volumes.samples / raw.info["sfreq"]
after.plot(mended[1:] / 60, np.diff(mended), "o", ms=4, color="0.6")
after.set_title("mended", loc="left")
after.set_xlabel("Time (min)")
figure.supylabel("Time since the marker before (s)")
plt.show()

# %%
# Attach the BOLD
# ---------------
# Now each volume has its marker, which carries the volume's BOLD from here on.

raw = attach_bold(volumes.annotate(raw), bold, marker=volumes.marker)
create_bold_windows([Recording(raw, subject="01")])

# %%
# The data sets (:class:`~braindecode_bolt.datasets.EEGfMRIFolder`,
# :class:`~braindecode_bolt.datasets.BIDSEEGfMRI`) do all this themselves, and take the same
# options.

# %%
# **Next:** :ref:`sphx_glr_auto_examples_recordings_plot_bids_own_atlas.py`.
# More about this: :doc:`/guide/markers`.
