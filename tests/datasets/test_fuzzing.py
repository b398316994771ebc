"""Damaged files: an error that names the file, or the same values; never a hang."""

import json
import logging
import random
import signal
import warnings
from collections import Counter

import mne
import numpy as np
import pytest

from braindecode_bolt.datasets import BIDSEEGfMRI, DataFolderError, EEGfMRIFolder

from .test_eeg_files import N_VOLUMES, SFREQ, TR, write_bold, write_set, write_vhdr

#: Damaged versions of each file.
N_SEEDS = 20
#: Seconds after which a file counts as one that hangs.
_PATIENCE = 60


def flip_bytes(content, rng):
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        # Headers stand at the beginning.
        end = len(content) if rng.random() < 0.5 else min(len(content), 2048)
        content[rng.randrange(end)] = rng.randrange(256)
    return bytes(content)


def truncate(content, rng):
    return content[: rng.randrange(len(content))]


def shuffle_lines(content, rng):
    lines = content.split(b"\n")
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.choice(["swap", "drop", "double", "all"])
    if kind == "swap":
        lines[first], lines[second] = lines[second], lines[first]
    elif kind == "drop":
        del lines[first]
    elif kind == "double":
        lines.insert(second, lines[first])
    else:
        rng.shuffle(lines)
    return b"\n".join(lines)


DAMAGES = (flip_bytes, flip_bytes, truncate, shuffle_lines)


def edf_folder(root):
    rng = np.random.default_rng(0)
    raw = mne.io.RawArray(
        1e-5 * rng.standard_normal((2, 30 * SFREQ)),
        mne.create_info(["Cz", "Pz"], SFREQ, "eeg"),
        verbose="error",
    )
    raw.set_annotations(mne.Annotations(1 + TR * np.arange(N_VOLUMES), 0, "R128"))
    mne.export.export_raw(root / "sub-01_eeg.edf", raw, verbose="error")
    write_bold(root / "sub-01_bold.tsv")
    return EEGfMRIFolder(root), root / "sub-01_eeg.edf"


def vhdr_folder(root, ending=".vhdr"):
    write_vhdr(root, "sub-01_eeg")
    write_bold(root / "sub-01_bold.tsv")
    return EEGfMRIFolder(root), root / f"sub-01_eeg{ending}"


def vmrk_folder(root):
    return vhdr_folder(root, ".vmrk")


def table_folder(root):
    dataset, _ = vhdr_folder(root)
    return dataset, root / "sub-01_bold.tsv"


def volumes_folder(root):
    dataset, _ = vhdr_folder(root)
    onsets = "\n".join(str(1 + TR * k) for k in range(N_VOLUMES))
    (root / "sub-01_volumes.tsv").write_text(f"onset\n{onsets}\n")
    return dataset, root / "sub-01_volumes.tsv"


def set_folder(root):
    signal = np.random.default_rng(0).standard_normal((2, 30 * SFREQ)).astype("f4")
    signal.T.tofile(root / "sub-01_eeg.fdt")
    write_set(root / "sub-01_eeg.set", "sub-01_eeg.fdt")
    write_bold(root / "sub-01_bold.tsv")
    return EEGfMRIFolder(root), root / "sub-01_eeg.set"


def bids(root, name):
    stem = "sub-01_task-rest"
    write_vhdr(root / "sub-01" / "eeg", f"{stem}_eeg")
    eeg = root / "sub-01" / "eeg"
    rows = "".join(f"{1 + TR * k}\t0\tR128\n" for k in range(N_VOLUMES))
    (eeg / f"{stem}_events.tsv").write_text(f"onset\tduration\ttrial_type\n{rows}")
    sidecar = {"TaskName": "rest", "SamplingFrequency": SFREQ, "PowerLineFrequency": 50}
    (eeg / f"{stem}_eeg.json").write_text(json.dumps(sidecar, indent=1))
    channels = "name\ttype\tunits\nCz\tEEG\tuV\nPz\tEEG\tuV\n"
    (eeg / f"{stem}_channels.tsv").write_text(channels)
    write_bold(root / "sub-01" / "func" / f"{stem}_timeseries.tsv")
    beside = json.dumps({"RepetitionTime": TR, "TaskName": "rest"}, indent=1)
    (root / "sub-01" / "func" / f"{stem}_bold.json").write_text(beside)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    (root / "participants.tsv").write_text("participant_id\tage\tsite\nsub-01\t30\tA\n")
    (file,) = root.rglob(name)
    return BIDSEEGfMRI(root), file


KINDS = {
    "EDF": edf_folder,
    "vhdr": vhdr_folder,
    "vmrk": vmrk_folder,
    "set": set_folder,
    "bold.tsv": table_folder,
    "volumes.tsv": volumes_folder,
    **{
        f"BIDS {name}": lambda root, name=name: bids(root, f"*{name}")
        for name in (
            *("_events.tsv", "_eeg.json", "_channels.tsv", "_bold.json"),
            *("participants.tsv", "dataset_description.json"),
        )
    },
}


def values(dataset):
    (recording,) = dataset.load()
    return recording.raw.get_data(), recording.marker_samples(), recording.bold


def outcome(dataset, file, expected, caplog):
    """Say what became of a damaged file."""
    caplog.clear()
    try:
        signal.alarm(_PATIENCE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = values(dataset)
    except DataFolderError as error:
        stem = file.name.split(".")[0].removesuffix("_eeg")
        return "refused" if stem in str(error) else f"does not name the file: {error}"
    except (ValueError, OSError) as error:
        # Of data that are read after the recording was opened, as MNE raises them.
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    eeg = found[0].shape == expected[0].shape and np.allclose(found[0], expected[0])
    markers = np.array_equal(found[1], expected[1])
    bold = found[2].equals(expected[2])
    if eeg and markers and bold:
        return "same values"
    warned = any(record.levelno >= logging.WARNING for record in caplog.records)
    names = [
        n for n, same in (("EEG", eeg), ("markers", markers), ("BOLD", bold)) if not same
    ]
    return f"other {' and '.join(names)}, {'warned of' if warned else 'without a word'}"


def stop(*_):
    raise TimeoutError("it hangs")


def fuzz(kind, root, seeds, caplog):
    signal.signal(signal.SIGALRM, stop)
    dataset, file = KINDS[kind](root)
    intact, expected = file.read_bytes(), values(dataset)
    outcomes = {}
    for seed in seeds:
        rng = random.Random(seed)
        file.write_bytes(rng.choice(DAMAGES)(intact, rng))
        outcomes[seed] = outcome(dataset, file, expected, caplog)
    file.write_bytes(intact)
    return outcomes


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused_or_read_as_they_were(tmp_path, kind, caplog):
    # A second process reads each .set file first.
    n_seeds = 6 if kind == "set" else N_SEEDS
    outcomes = fuzz(kind, tmp_path, range(n_seeds), caplog)
    known = ("refused", "same values", "other ")
    wrong = {seed: what for seed, what in outcomes.items() if not what.startswith(known)}
    assert not wrong, wrong
    counts = Counter(outcomes.values())
    assert counts["refused"] + counts["same values"] >= n_seeds // 3
