"""Windows of many recordings with silent EEG, for tests of where they come from."""

import mne
import numpy as np
import pandas as pd
from hypothesis import strategies as st

from braindecode_bolt import LazyWindows

SFREQ = 200.0
INFO = mne.create_info(["Cz"], SFREQ, "eeg")
#: Subjects of the training, validation and test parts of the published split.
SUBJECTS = ("01", "02", "06", "07", "13", "16")


def recording_table(
    volumes, tr=2.1, seconds=16.0, subject="01", session="01", task="rest", **columns
):
    """Describe the windows of one recording that end at the given volumes."""
    stop = np.round((seconds + tr * np.asarray(volumes)) * SFREQ).astype(int)
    start = stop - round(seconds * SFREQ)
    labels = {"subject": subject, "session": session, "run": "1", "task": task}
    table = {**labels, "site": None, **columns}
    return pd.DataFrame({**table, "volume": volumes, "start": start, "stop": stop})


def lazy_windows(tables, order=None):
    """Put recordings into windows, in any order."""
    metadata = pd.concat(
        [table.assign(recording=number) for number, table in enumerate(tables)],
        ignore_index=True,
    )
    if order is not None:
        metadata = metadata.iloc[order].reset_index(drop=True)
    n_samples = int(metadata["stop"].max())
    silence = np.broadcast_to(np.float32(0), (1, n_samples))
    return LazyWindows([silence] * len(tables), metadata, INFO)


def one_recording(n_windows=567, **kwargs):
    return lazy_windows([recording_table(np.arange(n_windows), **kwargs)])


def study(n_volumes=120, **kwargs):
    """Six subjects at two sites: all have two runs of rest, and four watch a film."""
    tables = []
    for number, subject in enumerate(SUBJECTS):
        labels = {"subject": subject, "site": "A" if number < 3 else "B", **kwargs}
        sessions = {"01": "rest", "02": "rest", "03": "film"}
        for session, task in sessions.items():
            if task == "rest" or number % 3:
                volumes = np.arange(n_volumes)
                tables.append(
                    recording_table(volumes, session=session, task=task, **labels)
                )
    return lazy_windows(tables)


@st.composite
def studies(draw):
    """Several subjects, sessions and tasks; length, gaps, times and order vary."""
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(SUBJECTS),
                st.sampled_from(["01", "02", "03"]),
                st.sampled_from(["rest", "film"]),
            ),
            min_size=3,
            max_size=9,
            # A session has one recording.
            unique_by=lambda key: key[:2],
        )
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    seconds = draw(st.sampled_from([1.0, 4.0, 16.0]))
    holes = draw(st.sampled_from([0.0, 0.1, 0.6]))
    shortest = draw(st.sampled_from([150, 2]))
    sites = {subject: site for subject, site in zip(SUBJECTS, "ABABAB", strict=True)}
    tables = []
    for subject, session, task in keys:
        tr = random.choice([0.7, 1.3, 2.1, 3.0])
        volumes = random.integers(0, 9) + np.arange(random.integers(shortest, 250))
        volumes = volumes[random.random(len(volumes)) >= holes]
        tables.append(
            recording_table(
                volumes, tr, seconds, subject, session, task, site=sites[subject]
            )
        )
    n_windows = sum(map(len, tables))
    order = random.permutation(n_windows) if draw(st.booleans()) else None
    return lazy_windows([table for table in tables if len(table)] or tables, order)
