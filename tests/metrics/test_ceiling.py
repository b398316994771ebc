import numpy as np

from braindecode_bolt import create_bold_windows
from braindecode_bolt.metrics import noise_ceiling


def test_the_ceiling_is_that_of_the_volumes_with_windows(recordings, windows):
    ceiling = noise_ceiling(windows)
    assert len(ceiling) == 4 * 2
    for number, recording in enumerate(recordings):
        volumes = windows.metadata["volume"][windows.metadata["recording"] == number]
        bold = recording.bold.loc[volumes]
        of_recording = ceiling[ceiling["recording"] == number].set_index("region")
        for column, kind in (
            ("noise_ceiling", "noiseless"),
            ("window_limited_noise_ceiling", "noiseless_window"),
        ):
            expected = bold.corrwith(recording.table(kind).loc[volumes])
            np.testing.assert_allclose(
                of_recording[column], expected[of_recording.index], 1e-4
            )


def test_real_data_have_no_known_ceiling(make_recording):
    found = noise_ceiling(create_bold_windows([make_recording()], 4.0))
    columns = ["noise_ceiling", "window_limited_noise_ceiling"]
    assert len(found) == 2 and found[columns].isna().all(axis=None)
