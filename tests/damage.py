"""Files that are damaged in the ways that files are."""

import numpy as np


def damaged(content: bytes, seed: int) -> bytes:
    """Damage the content of a file, the same way for the same seed."""
    rng = np.random.default_rng(seed)
    data = bytearray(content)
    kind = seed % 5
    if kind == 0:
        return bytes(data[: rng.integers(len(data))])
    if kind == 1:
        for place in rng.integers(len(data), size=rng.integers(1, 6)):
            data[place] ^= 1 << rng.integers(8)
    elif kind == 2:
        for place in rng.integers(len(data), size=rng.integers(1, 4)):
            data[place] = rng.integers(256)
    elif kind == 3:
        lines = bytes(data).split(b"\n")
        first = rng.integers(len(lines))
        part = lines[first : first + rng.integers(2, 8)]
        rng.shuffle(part)
        lines[first : first + len(part)] = part
        return b"\n".join(lines)
    else:
        start, stop = np.sort(rng.integers(len(data), size=2))
        stop = min(stop, start + 50)
        if rng.random() < 0.5:
            del data[start:stop]
        else:
            data[start:start] = data[start:stop]
    return bytes(data)
