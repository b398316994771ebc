"""Time and memory of NeuroBOLT: as described, composed of packages, and ours.

There are three versions with the same weights. Each must give the outputs of the published
network before it is timed. A step is forward, backward and AdamW, with dropout, for 26
channels x 16 s. Ours uses fused AdamW, as EEGRegressor does. Steps of all versions are
interleaved, so that a busy machine slows all of them. The table shows the shortest time,
and its ratio to the literal version. Memory is the highest anonymous memory of three steps
in a separate process, minus that of the process after its imports (on a GPU, the peak of
torch's allocator).

Run: python benchmarks/speed_of_neurobolt.py [--rounds 10] [--batch 8 16]
         [--device cpu]
"""

import argparse
import ctypes
import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import torch  # noqa: E402
from reference_networks import ComposedNeuroBOLT, LiteralNeuroBOLT  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from braindecode_bolt import NeuroBOLT, load_published_weights  # noqa: E402
from tests.models import golden  # noqa: E402

CASE = golden.CASES["vu26"]
VERSIONS = {
    "literal": ("as described, float32", False),
    "composed": ("Labram + linear_attention_transformer, float32", False),
    "ours": ("ours, float32", False),
    "literal-bf16": ("as described, bfloat16 autocast", True),
    "ours-bf16": ("ours, bfloat16", True),
    "ours-64": ("ours, 64 regions, float32", False),
}


def build(version, case=CASE):
    kind = version.split("-")[0]
    if kind == "ours":
        names = case["ch_names"]
        if case["n_chans_model"] == 26:
            names = golden.PUBLISHED
        model = NeuroBOLT(
            n_outputs=case["n_outputs"],
            ch_names=names,
            n_times=case["n_times"],
            num_layers=case["num_layers"],
            n_scales=case["win_level"] + 1,
            input_scale=1.0,
        )
        load_published_weights(model, golden.weights(case), ch_names=names)
        if version == "ours-64":
            model.reset_head(64)
        return model
    network = {"literal": LiteralNeuroBOLT, "composed": ComposedNeuroBOLT}[kind]
    model = network(case, case["spectral_channel_index"])
    model.load_published(golden.weights(case))
    return model


def check(version):
    """Return the largest relative error of all cases, compared with published outputs."""
    worst = 0.0
    for case in golden.CASES.values():
        model = build(version, case).eval()
        named = {"ch_names": case["ch_names"]} if version == "ours" else {}
        with torch.inference_mode():
            output = model(golden.windows(case), **named).numpy()
        error = np.abs(output - case["output"]) / np.abs(case["output"])
        worst = max(worst, float(error.max()))
    if worst > 1e-5:
        raise SystemExit(f"{version} is not the published network: error {worst:.1e}")
    return worst


class Step:
    """A forward pass or a training step of one version."""

    def __init__(self, version, batch, device, training):
        self.model = build(version).to(device).train(training)
        self.half = VERSIONS[version][1]
        self.device = torch.device(device)
        self.training = training
        rng = torch.Generator().manual_seed(0)
        self.x = (0.3 * torch.randn(batch, 26, 3200, generator=rng)).to(device)
        n_outputs = self.model(self.x[:1]).shape[1]
        self.y = torch.randn(batch, n_outputs, generator=rng).to(device)
        fused = version.startswith("ours")
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, fused=fused)

    def run(self):
        kind = self.device.type
        cast = torch.autocast(kind, torch.bfloat16) if self.half else nullcontext()
        if not self.training:
            with torch.inference_mode(), cast:
                self.model(self.x)
            return
        with cast:
            output = self.model(self.x)
        loss = torch.nn.functional.mse_loss(output.float(), self.y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def time(self):
        begin = time.perf_counter()
        self.run()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begin


def rss_anon():
    """Anonymous memory of this process in MB."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def measure_memory(version, batch, device, training):
    """Peak memory of three steps in MB, printed."""
    if device == "cuda":
        step = Step(version, batch, device, training)
        torch.cuda.reset_peak_memory_stats()
        for _ in range(3):
            step.run()
        print(torch.cuda.max_memory_allocated() / 2**20)
        return
    before = rss_anon()
    peak, done = [before], threading.Event()

    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], rss_anon())

    watcher = threading.Thread(target=watch)
    watcher.start()
    step = Step(version, batch, device, training)
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    for _ in range(3):
        step.run()
    done.set()
    watcher.join()
    print(peak[0] - before)


def memory_in_child(version, batch, device, training):
    code = (
        "from speed_of_neurobolt import measure_memory as m;"
        f"m({version!r}, {batch}, {device!r}, {training})"
    )
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(child.stdout.split()[-1])


def matmul_peak(device, dtype):
    """GFLOP/s of a large matrix product, the best of five."""
    a = torch.randn(3072, 3072, device=device, dtype=dtype)
    best = np.inf
    for _ in range(6):
        begin = time.perf_counter()
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begin)
    return 2 * 3072**3 / best / 1e9


def compare(batch, device, training, rounds, versions):
    steps = {version: Step(version, batch, device, training) for version in versions}
    times = {version: [] for version in versions}
    for number in range(rounds + 1):
        for version, step in steps.items():
            seconds = step.time()
            if number:
                times[version].append(seconds)
    shortest = {version: float(min(values)) for version, values in times.items()}
    memory = {v: memory_in_child(v, batch, device, training) for v in versions}
    what = "training step" if training else "prediction"
    print(f"\n{what}, batch {batch}, {device}, shortest of {rounds}")
    print(f"{'':50}{'s':>8}{'faster':>9}{'MB':>8}{'memory':>9}")
    for version in versions:
        faster = shortest["literal"] / shortest[version]
        less = memory[version] / memory["literal"]
        print(
            f"{VERSIONS[version][0]:50}{shortest[version]:8.3f}{faster:8.2f}x"
            f"{memory[version]:8.0f}{less:8.2f}x",
            flush=True,
        )
    return shortest, steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    for version in ("literal", "composed", "ours"):
        print(f"{version}: largest relative error on golden values {check(version):.1e}")
    device = arguments.device
    for batch in arguments.batch:
        compare(batch, device, False, arguments.rounds, [*VERSIONS][:5])
        shortest, steps = compare(batch, device, True, arguments.rounds, list(VERSIONS))
        with FlopCounterMode(display=False) as counter:
            steps["ours"].run()
        gflop = counter.get_total_flops() / 1e9
        print(f"arithmetic of a step: {gflop:.0f} GFLOP")
        for version, dtype in (("ours", torch.float32), ("ours-bf16", torch.bfloat16)):
            peak = matmul_peak(device, dtype)
            rate = gflop / shortest[version]
            print(
                f"{VERSIONS[version][0]}: {rate:.0f} GFLOP/s, {rate / peak:.0%} of a "
                f"large matrix product ({peak:.0f} GFLOP/s)"
            )
    one = Step("ours", 1, device, False)
    seconds = np.median([one.time() for _ in range(arguments.rounds + 1)][1:])
    print(f"\none new window: {seconds:.3f} s, {seconds / 2.1:.1%} of a TR of 2.1 s")


if __name__ == "__main__":
    main()
