"""Memory and time from recordings in files to windows that a model reads.

29 recordings of twenty minutes, 26 channels at 250 Hz, 64 regions, one window of
16 s at 200 Hz per volume (TR 2.1 s). The published way (epochs of each recording as
float64, stacked) is compared with ours, with the prepared EEG in memory or on disk, on
the same files. Each way runs in its own process. The table shows the highest anonymous
memory (RssAnon, sampled every 10 ms), minus that of the process after its imports, while
recordings are prepared and while all windows are read in batches.

Run: python benchmarks/memory_of_windows.py [--recordings 29] [--minutes 20]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CHILD = """
import sys
from memory_of_windows import measure
measure(*sys.argv[1:])
"""
CH_NAMES = (
    "Fp1 Fp2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 "
    "Fpz Fz Cz Pz POz Oz FT9 FT10 TP9 TP10"
).split()
BATCH, TR, SECONDS, N_ROIS = 16, 2.1, 16.0, 64
WAYS = {
    "published": "as published: float64 epochs, stacked",
    "memory": "ours, prepared EEG in memory",
    "disk": "ours, prepared EEG on disk, first time",
    "again": "ours, prepared EEG on disk, again",
}


class Peak:
    """Highest anonymous memory of this process, watched from a thread."""

    def __init__(self) -> None:
        self.start = self.highest = _rss_anon()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.highest = max(self.highest, _rss_anon())
            time.sleep(0.01)

    def take(self) -> float:
        """Return the highest memory since the last call, in MB above the start."""
        highest, self.highest = max(self.highest, _rss_anon()), _rss_anon()
        return highest - self.start


def _rss_anon() -> float:
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def write_recordings(folder: Path, n_recordings: int, minutes: float) -> None:
    """Write noise with volume markers that carry BOLD."""
    import mne
    import numpy as np
    import pandas as pd

    from braindecode_bolt import Recording, attach_bold

    info = mne.create_info(CH_NAMES, 250.0, "eeg")
    for number in range(n_recordings):
        rng = np.random.default_rng(number)
        shape = (len(CH_NAMES), round(minutes * 60 * 250))
        raw = mne.io.RawArray(1e-5 * rng.standard_normal(shape), info, verbose="error")
        onsets = np.arange(2.0, minutes * 60, TR)
        raw.set_annotations(mne.Annotations(onsets, 0.0, "R128"))
        bold = pd.DataFrame(rng.standard_normal((len(onsets), N_ROIS)))
        raw = attach_bold(raw, bold.add_prefix("region "))
        recording = Recording(raw, f"{number:02d}")
        raw.save(folder / f"{recording.name}_eeg.fif", fmt="single", verbose="error")


def measure(way: str, folder: str, cache_dir: str) -> None:
    """Print peak memory of preparing and of reading (MB), and both times (s)."""
    # Imported before the measurement starts, since channel names come from it.
    import braindecode.models  # noqa: F401
    import mne
    import numpy as np

    from braindecode_bolt import create_bold_windows, prepare_bold, prepare_eeg
    from braindecode_bolt.datasets import EEGfMRIFolder

    mne.set_log_level("error")
    peak, began = Peak(), time.perf_counter()
    recordings = EEGfMRIFolder(folder).load()
    if way == "published":
        X, y = published(recordings)
    else:
        cache = None if way == "memory" else cache_dir
        windows = create_bold_windows(
            prepare_bold(prepare_eeg(recording, cache_dir=cache))
            for recording in recordings
        )
        X, y = windows.X, windows.y
    prepared, prepared_after = peak.take(), time.perf_counter() - began
    began = time.perf_counter()
    order = np.random.default_rng(0).permutation(len(y))
    for start in range(0, len(y), BATCH):
        # The published windows become float32 when the network reads them.
        np.asarray(X[order[start : start + BATCH]], dtype=np.float32)
    print(prepared, peak.take(), prepared_after, time.perf_counter() - began)


def published(recordings):
    """Resample, cut epochs, stack them all, low-pass and scale each region."""
    import mne
    import numpy as np

    from braindecode_bolt.bold import prepare_bold_as_published

    # Space for all windows is reserved at once, so that stacking copies nothing. This
    # favours the published way.
    n_most = sum(len(recording.volume_annotations()) for recording in recordings)
    X, y = np.empty((n_most, len(CH_NAMES), round(SECONDS * 200))), []
    n_windows = 0
    for recording in recordings:
        raw = recording.raw.copy().load_data().resample(200.0)
        events, _ = mne.events_from_annotations(raw)
        epochs = mne.Epochs(
            raw, events, tmin=-SECONDS, tmax=0, baseline=(-SECONDS, 0), preload=True
        )
        X[n_windows : n_windows + len(epochs)] = epochs.get_data(copy=False)[..., :-1]
        n_windows += len(epochs)
        y.append(prepare_bold_as_published(recording).bold.to_numpy()[epochs.selection])
    return X[:n_windows], np.concatenate(y)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=29)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    arguments = parser.parse_args()
    once = arguments.recordings * arguments.minutes * 60 * 200 * len(CH_NAMES) * 4 / 2**20
    print(f"{arguments.recordings} recordings as float32 at 200 Hz: {once:.0f} MB\n")
    columns = ("MB preparing", "MB reading", "s preparing", "s reading")
    print(f"{'':<42}" + "".join(f"{column:>14}" for column in columns))
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        write_recordings(Path(folder), arguments.recordings, arguments.minutes)
        for way in arguments.ways:
            result = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", CHILD, way, folder, cache],
                cwd=Path(__file__).parent,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            values = map(float, result.stdout.split()[-4:])
            print(f"{WAYS[way]:<42}" + "".join(f"{v:14.1f}" for v in values), flush=True)


if __name__ == "__main__":
    main()
