"""
Markers and BOLD of a real recording
====================================

In real recordings, amplifiers write some markers twice, miss some, or write some a sample
late. This example puts such faults into a simulated recording, corrects them, and prepares
the BOLD.

EEG and BOLD are simulated. No result shown here was measured on real subjects.
"""

import matplotlib.pyplot as plt
import mne
import numpy as np

from braindecode_bolt import (
    Recording,
    attach_bold,
    create_bold_windows,
    find_volume_markers,
    prepare_bold,
    prepare_eeg,
)
from braindecode_bolt.bold import BOLDScaler
from braindecode_bolt.datasets import SimulatedEEGfMRI

(recording,) = SimulatedEEGfMRI(n_subjects=1, duration=300.0).load()
raw, bold = recording.raw.copy(), recording.bold

# %%
# Markers as an amplifier may write them
# --------------------------------------
# There is a marker of a dummy volume, thirty markers are written twice, one is missing,
# one is a sample late, and there is a spurious one near the start.

TR = 2.1
onsets = recording.marker_samples() / raw.info["sfreq"]
dummy, spurious = onsets[0] - TR, onsets[0] - 0.7
late = onsets[50] + 1 / raw.info["sfreq"]
kept = np.delete(onsets, [50, 70])
written = np.sort(np.concatenate([[dummy, spurious, late], onsets[:30], kept]))
raw.set_annotations(mne.Annotations(written, 0.0, "Response/R128"))

# %%
# Correction
# ----------
# There must be as many volumes as rows of BOLD. A missing marker is an error, unless
# ``missing="fill"`` fills it in. The report lists every change.

volumes = find_volume_markers(
    raw, tr=TR, n_volumes=len(bold), dummy_volumes=1, missing="fill"
)
print(volumes.report)

figure, axes = plt.subplots(2, 1, sharex=True, layout="constrained", figsize=(7, 4))
for axis, times, title in (
    (axes[0], written, "as written"),
    (axes[1], volumes.samples / raw.info["sfreq"], "corrected"),
):
    axis.plot(times[1:], np.diff(times), "o", markersize=3)
    axis.set(title=title, ylabel="Interval (s)", ylim=(-0.3, 4.6))
axes[1].set_xlabel("Time (s)")

# %%
# Attach BOLD and prepare the targets
# -----------------------------------
# ``attach_bold`` stores the BOLD in the markers of the EEG. It is filtered and centred per
# recording. The scale is learned with the model, from training recordings.

raw = attach_bold(volumes.annotate(raw), bold, marker=volumes.marker)
prepared = prepare_bold(prepare_eeg(Recording(raw, subject="01")))
windows = create_bold_windows([prepared])
print(windows)

roi = "Thalamus"
time = volumes.samples / raw.info["sfreq"]
figure, axis = plt.subplots(layout="constrained", figsize=(7, 2.8))
scaled = BOLDScaler().fit_transform(prepared.bold[[roi]])
axis.plot(
    time, (bold[roi] - bold[roi].mean()) / bold[roi].std(), "0.7", label="as recorded"
)
axis.plot(time, scaled, label="target: below 0.15 Hz, scaled")
axis.set(xlabel="Time (s)", ylabel=roi)
axis.legend(loc="lower right")
plt.show()
