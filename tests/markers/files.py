"""EEG files with joints, as other programs write them."""

from pathlib import Path

import mne
import numpy as np
import pybv
from scipy.io import savemat

SFREQ = 250


def write_brainvision(folder, data, markers, joint):
    """Write a BrainVision file with a second ``New Segment`` at a sample."""
    events = [
        {"onset": int(sample), "duration": 1, "description": 128, "type": "Response"}
        for sample in markers
    ]
    pybv.write_brainvision(
        data=data,
        sfreq=SFREQ,
        ch_names=["Cz", "Pz"],
        fname_base="paused",
        folder_out=str(folder),
        events=events,
    )
    header = folder / "paused.vmrk"
    lines = header.read_text("utf-8").rstrip().splitlines()
    number = sum(line.startswith("Mk") for line in lines)
    lines.append(f"Mk{number + 1}=New Segment,,1,1,0,20200101120000000000")
    lines.append(f"Mk{number + 2}=New Segment,,{joint + 1},1,0,20200101120200000000")
    header.write_text("\n".join(lines) + "\n", "utf-8")
    return mne.io.read_raw_brainvision(folder / "paused.vhdr", verbose="error")


def write_eeglab(folder, data, markers, joint):
    """Write an EEGLAB file with a ``boundary``, which stands between two samples."""
    events = [("R128", sample + 1.0, 0.0) for sample in markers]
    events.append(("boundary", joint + 0.5, 500.0))
    kinds = [("type", object), ("latency", object), ("duration", object)]
    empty = np.zeros((0, 0))
    eeg = {
        "setname": "paused",
        "nbchan": 2,
        "trials": 1,
        "pnts": data.shape[1],
        "srate": float(SFREQ),
        "xmin": 0.0,
        "xmax": (data.shape[1] - 1) / SFREQ,
        "data": (data * 1e6).astype("f4"),
        "event": np.array(events, dtype=kinds),
        "chanlocs": np.array([("Cz",), ("Pz",)], dtype=[("labels", object)]),
        "icawinv": empty,
        "icasphere": empty,
        "icaweights": empty,
        "icachansind": empty,
        "epoch": empty,
        "ref": "common",
    }
    savemat(folder / "paused.set", {"EEG": eeg}, appendmat=False)
    return mne.io.read_raw_eeglab(folder / "paused.set", verbose="error")


def write_fif(folder, data, markers, joint):
    """Write a FIF file of two recordings that MNE has joined."""
    parts = []
    for start, stop in ((0, joint), (joint, data.shape[1])):
        info = mne.create_info(["Cz", "Pz"], SFREQ, "eeg")
        raw = mne.io.RawArray(data[:, start:stop], info, verbose="error")
        inside = markers[(markers >= start) & (markers < stop)] - start
        parts.append(raw.set_annotations(mne.Annotations(inside / SFREQ, 0, "R128")))
    joined = mne.concatenate_raws(parts, verbose="error")
    joined.save(folder / "paused_raw.fif", verbose="error")
    return mne.io.read_raw_fif(folder / "paused_raw.fif", verbose="error")


WRITERS = {"BrainVision": write_brainvision, "EEGLAB": write_eeglab, "MNE": write_fif}


def write_edf(file: Path, starts, markers, kind="EDF+D", sfreq=100, stamps=None):
    """Write an EDF+ or BDF+ file of records of one second.

    Parameters
    ----------
    file : Path
        Ends in ``.edf`` or ``.bdf``.
    starts : sequence of float
        When each record begins, in seconds by the clock.
    markers : sequence of float
        When volumes were, by the clock; written into the last record before.
    kind : str
        What the header says.
    stamps : sequence of str | None
        Time stamps to write instead of `starts`.
    """
    width = 3 if kind.startswith("BDF") else 2
    label = f"{kind[:3]} Annotations"
    n_annotation = 60

    def field(values, length):
        return "".join(f"{value:<{length}}" for value in values).encode()

    header = b"0       " if width == 2 else b"\xffBIOSEMI"
    header += field(["X X X X", "Startdate X X X X"], 80)
    header += field(["01.01.20", "12.00.00", 768], 8)
    header += field([kind], 44) + field([len(starts), 1], 8) + field([2], 4)
    limits = (-32768, 32767) if width == 2 else (-8388608, 8388607)
    header += field(["Cz", label], 16) + field(["", ""], 80) + field(["uV", ""], 8)
    header += field([-3000, -1, 3000, 1], 8)
    header += field([limits[0]] * 2 + [limits[1]] * 2, 8)
    header += field(["", ""], 80) + field([sfreq, n_annotation], 8) + field(["", ""], 32)
    rng = np.random.default_rng(0)
    with file.open("wb") as stream:
        stream.write(header)
        ends = [*starts[1:], starts[-1] + 1]
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            values = rng.integers(-300, 300, sfreq).astype("<i4").view("u1").reshape(-1, 4)
            stream.write(values[:, :width].tobytes())
            stamp = f"+{start:g}" if stamps is None else stamps[number]
            text = f"{stamp}\x14\x14\0" if stamp else ""
            for marker in markers:
                if start <= marker < end:
                    text += f"+{marker:.3f}\x14R128\x14\0"
            stream.write(text.encode().ljust(width * n_annotation, b"\0"))
    return file
