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
# late by 5 to 15 ms, three are missing, and there is one that belongs to no volume.

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
onsets[[55, 70, 85, 100]] += [0.010, 0.015, 0.005, 0.010]
twice, nowhere = onsets[:30] + 0.005, onsets[120] + 0.9
onsets = np.delete(onsets, [40, 91, 92])
written = np.sort(np.concatenate([onsets, twice, [nowhere]]))
raw = raw.set_annotations(mne.Annotations(written, 0.0, "Response/R128"))

# %%
# Mend them
# ---------
# There must be as many volumes as rows of BOLD. A missing marker is an error, unless
# ``missing="fill"`` puts it where it belongs. The log says what was changed;
# ``volumes.report`` keeps it.

volumes = find_volume_markers(raw, tr=2.1, n_volumes=len(bold), missing="fill")

# %%
# The report has a table of all markers that were written, and of what became of them:

volumes.report.markers["status"].value_counts()

# %%
# Before and after
# ----------------
# The time from each marker to the next should be 2.1 s, and each marker should be on the
# regular grid.

found = volumes.report.markers
minutes = found["sample"] / raw.info["sfreq"] / 60
interval = np.diff(found["sample"], prepend=np.nan) / raw.info["sfreq"]
late = 1e3 * found["residual"] / raw.info["sfreq"]
colours = {
    "kept": "0.6",
    "duplicate": "tab:blue",
    "moved": "tab:red",
    "spurious": "tab:orange",
}

figure, (before, grid, after) = plt.subplots(
    3, 1, sharex=True, figsize=(8, 6), layout="constrained"
)
for status, colour in colours.items():
    rows = found["status"] == status
    before.plot(minutes[rows], interval[rows], "o", ms=4, color=colour, label=status)
    grid.plot(minutes[rows], late[rows], "o", ms=4, color=colour)
before.set_title("as written", loc="left")
before.set(ylabel="interval (s)", ylim=(-0.3, 7))
before.legend(frameon=False, ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
grid.set_title("as written: time after the regular grid", loc="left")
grid.set(ylabel="late (ms)", ylim=(-5, 20))
mended = volumes.samples / raw.info["sfreq"]
after.plot(mended[1:] / 60, np.diff(mended), "o", ms=4, color="0.6")
after.set_title("mended", loc="left")
after.set(ylabel="interval (s)", ylim=(-0.3, 7), xlabel="Time (min)")
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
