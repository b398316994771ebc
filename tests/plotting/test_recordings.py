"""The picture of one recording before training."""

import numpy as np

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.plotting import plot_recording
from braindecode_bolt.windows import RecordingCheck, check_recordings


def test_the_picture_shows_what_was_found():
    recording = SimulatedEEGfMRI(1, duration=60.0, ch_names=["Fz", "Oz"]).load()[0]
    check = check_recordings([recording]).recordings[0]
    spectrum, markers, bold, _ = plot_recording(check).axes
    np.testing.assert_allclose(spectrum.lines[0].get_ydata(), check.spectrum["median"])
    np.testing.assert_allclose(markers.lines[0].get_ydata(), 2.1)
    image = bold.images[0].get_array()
    assert image.shape == check.bold.T.shape
    np.testing.assert_allclose(np.asarray(image).std(axis=1), 1)


def test_a_recording_that_could_not_be_read_has_a_picture_too():
    axes = plot_recording(RecordingCheck("sub-01", "01", problem="broken")).axes
    assert [each.texts[0].get_text() for each in axes] == [
        "not computed",
        "fewer than two volumes",
        "none",
    ]
