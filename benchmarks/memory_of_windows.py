"""Memory of the windows of a study: read when needed, or all made at once.

Twenty recordings of twenty minutes, 26 channels at 200 Hz, one window of 16 s
per volume (TR 2.1 s). Each way runs in a process of its own; reported is
anonymous memory (RssAnon) above that of the process after its imports, while
an epoch of batches is read, and its ratio to the recordings in float32.

Run: python benchmarks/memory_of_windows.py [--recordings 20] [--minutes 20]
"""

import argparse
import ctypes
import gc
import subprocess
import sys
from pathlib import Path

CHILD = """
import sys
from memory_of_windows import measure
print(measure(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
"""
BATCH = 16
WAYS = {
    "created": "X, nothing read",
    "lazy": "X, read in batches of 16",
    "loader": "X, read by the regressor's loader",
    "materialised": "all windows in one array",
}


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
    import numpy as np

    from braindecode_bolt import EEGRegressor, create_bold_windows

    def read(X, y, net):
        if way == "loader":
            yield from net.get_iterator(net.get_dataset(X, y), training=True)
        for start in range(0, len(X), BATCH):
            yield np.asarray(X[start : start + BATCH])

    # What the first use of each library allocates is not the windows'.
    net = EEGRegressor("NeuroBOLT", verbose=0, batch_size=BATCH)
    warm = create_bold_windows(make_recordings(2, minutes))
    for batch in read(warm.X, warm.y, net):
        del batch
    del warm
    before = live()
    windows = create_bold_windows(make_recordings(n_recordings, minutes))
    X = np.asarray(windows.X) if way == "materialised" else windows.X
    highest = live()
    if way != "created":
        for number, batch in enumerate(read(X, windows.y, net)):
            if number % 50 == 0:
                highest = max(highest, live())
            del batch
    return highest - before


def live() -> float:
    """Anonymous memory in use, without what malloc keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return rss_anon()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=20.0)
    arguments = parser.parse_args()
    once = arguments.recordings * arguments.minutes * 60 * 200 * 26 * 4 / 2**20
    batch = BATCH * 26 * 3200 * 4 / 2**20
    print(f"{'recordings as float32':<34} {once:7.1f} MB")
    print(f"{'the same and one batch of 16':<34} {once + batch:7.1f} MB")
    for way, what in WAYS.items():
        size = [str(arguments.recordings), str(arguments.minutes)]
        result = subprocess.run(
            [sys.executable, "-c", CHILD, way, *size],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
        used = float(result.stdout.split()[-1])
        print(f"{what:<34} {used:7.1f} MB  {used / once:6.3f} x", flush=True)


if __name__ == "__main__":
    main()
