"""Weights, inputs and outputs of the published network, made by a rule.

The values in ``neurobolt_golden.json`` were computed by the published network
(Li et al. 2024); see ``what`` and the rules in the file.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch

GOLDEN = json.loads(Path(__file__).with_name("neurobolt_golden.json").read_text())
CASES = {case["name"]: case for case in GOLDEN["cases"]}
PUBLISHED = CASES["vu26"]["ch_names"]
_NORMS = "norm1 norm2 norm3 norm fc_norm q_norm k_norm".split()


def weights(case):
    """State dict of a case, in the published naming."""
    state = {}
    for key, shape in case["parameters"].items():
        if key.endswith("positional_encoding.pe") or key == "mss_module.index":
            state[key] = torch.zeros(shape)
            continue
        values = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
        values = values.astype(np.float32) * 0.05
        if key.split(".")[-2:][0] in _NORMS and key.endswith(".weight"):
            values += 1
        if ".gamma_" in key:
            values += 0.1
        state[key] = torch.from_numpy(values)
    return state


def windows(case):
    """Windows of a case, in units of 100 microvolts."""
    rng = np.random.default_rng(zlib.crc32(("input:" + case["name"]).encode()))
    shape = (2, len(case["ch_names"]), case["n_times"])
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32) * 0.3)
