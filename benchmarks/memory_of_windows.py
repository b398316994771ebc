"""Memory of the windows of a study: read when needed, or all made at once.

Twenty recordings of twenty minutes, 26 channels at 200 Hz, one window of 16 s
per volume (TR 2.1 s). Each way runs in a process of its own; reported is
anonymous memory (RssAnon) above that of the process after its imports, at its
highest while an epoch of batches is read.

Run: python benchmarks/memory_of_windows.py [--recordings 20] [--minutes 20]
"""

import argparse
import subprocess
import sys
import threading
import time

CHILD = """
import sys
from memory_of_windows import measure
print(measure(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
"""
BATCH = 16


def rss_anon() -> float:
    """Anonymous memory of this process in MB."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def make_recordings(n_recordings: int, minutes: float):
    import mne
    import numpy as np
    import pandas as pd

    from braindecode_bolt import Recording, attach_bold
    from braindecode_bolt.models.neurobolt import NeuroBOLT  # noqa: F401

    names = (
        "Fp1 Fp2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 "
        "Fpz Fz Cz Pz POz Oz FT9 FT10 TP9 TP10"
    ).split()
    info = mne.create_info(names, 200.0, "eeg")
    for number in range(n_recordings):
        rng = np.random.default_rng(number)
        data = rng.standard_normal((len(names), round(minutes * 60 * 200)))
        data *= 1e-5
        raw = mne.io.RawArray(data, info.copy(), verbose="error")
        onsets = np.arange(0, minutes * 60, 2.1)
        raw.set_annotations(mne.Annotations(onsets, 0.0, ["R128"] * len(onsets)))
        bold = pd.DataFrame(rng.standard_normal((len(onsets), 7)), columns=list("ABCDEFG"))
        yield Recording(attach_bold(raw, bold), f"{number:02d}")


def measure(way: str, n_recordings: int, minutes: float) -> float:
    from braindecode_bolt import EEGRegressor, create_bold_windows

    # What the first use of each library allocates is not the windows'.
    warm = create_bold_windows(make_recordings(1, 1.0))
    net = EEGRegressor("NeuroBOLT", verbose=0, batch_size=BATCH)
    list(net.get_iterator(net.get_dataset(warm.X, warm.y), training=True))
    before = rss_anon()
    highest = [before]
    done = threading.Event()

    def watch():
        while not done.is_set():
            highest[0] = max(highest[0], rss_anon())
            time.sleep(0.01)

    windows = create_bold_windows(make_recordings(n_recordings, minutes))
    X = windows.X if way == "lazy" else __import__("numpy").asarray(windows.X)
    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in net.get_iterator(net.get_dataset(X, windows.y), training=True):
        pass
    done.set()
    watcher.join()
    return highest[0] - before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=20.0)
    arguments = parser.parse_args()
    n_samples = arguments.recordings * arguments.minutes * 60 * 200
    once = n_samples * 26 * 4 / 2**20
    batch = BATCH * 26 * 3200 * 4 / 2**20
    print(f"recordings as float32  {once:8.0f} MB\none batch              {batch:8.0f} MB")
    for way in ("lazy", "materialised"):
        size = [str(arguments.recordings), str(arguments.minutes)]
        result = subprocess.run(
            [sys.executable, "-c", CHILD, way, *size],
            cwd=__file__.rsplit("/", 1)[0],
            capture_output=True,
            text=True,
            check=True,
        )
        used = float(result.stdout.split()[-1])
        print(f"{way:<22} {used:8.0f} MB  ({used / once:.2f} x the recordings)", flush=True)


if __name__ == "__main__":
    main()
