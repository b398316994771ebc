"""Time of baselines that are computed differently from the libraries that they use.

- BIOT: all channels at once, compared with braindecode's loop over channels. The
  representations must agree before they are timed.
- Ridge with a penalty for each region, chosen across groups: one decomposition per fold,
  compared with scikit-learn's RidgeCV and (if it is installed) himalaya.
- Sparse group lasso: all regions at once on the Gram matrix, compared with himalaya at the
  same penalties (if it is installed).

Runs are interleaved. The table shows the median time, and its ratio to the first row.

Run: python benchmarks/speed_of_baselines.py [--rounds 5] [--batch 8] [--threads 2]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold

from braindecode_bolt import BIOTBOLD
from braindecode_bolt.linear import GroupedRidge, GroupedSparseGroupLasso
from braindecode_bolt.models import PUBLISHED_CHANNELS


def compare(title: str, ways: dict[str, Callable[[], object]], rounds: int) -> None:
    """Time several ways in turn, and print medians and ratios."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - begin)
    print(f"\n{title}")
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"  {name:44} {median:8.3f} s   {first / median:6.1f} x")


def compare_biot(rounds: int, batch: int) -> None:
    model = BIOTBOLD(1, ch_names=PUBLISHED_CHANNELS, n_times=3200).eval()
    x = torch.randn(batch, 26, 3200)

    def one_after_the_other(x: torch.Tensor) -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A window was not provided")
            return model.encoder(x)

    def at_once(x: torch.Tensor) -> torch.Tensor:
        return model._encode(x, model.channels)[0]

    with torch.inference_mode():
        error = (one_after_the_other(x) - at_once(x)).abs().max().item()
    if error > 1e-5:
        raise SystemExit(f"The two ways differ by {error:.1e}.")

    def predict(way: Callable) -> None:
        with torch.inference_mode():
            way(x)

    def step(way: Callable) -> None:
        way(x).square().sum().backward()
        model.zero_grad()

    for what, do in (("prediction", predict), ("forward and backward", step)):
        ways = {
            "braindecode, one channel after the other": lambda do=do: do(
                one_after_the_other
            ),
            "ours, all at once": lambda do=do: do(at_once),
        }
        compare(f"BIOT, {what}, {batch} windows of 26 channels x 16 s", ways, rounds)


def make_data(n: int, p: int, n_rois: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p)).astype(np.float32)
    X[:, 1:] += 0.8 * X[:, :-1]  # Lags are alike.
    weights = rng.standard_normal((p, n_rois)) * (rng.random((p, n_rois)) < 0.05)
    noise = rng.standard_normal((n, n_rois)) * np.sqrt(weights.size / n_rois * 0.05)
    y = (X @ weights + 2 * noise).astype(np.float32)
    return X - X.mean(axis=0), y - y.mean(axis=0), np.repeat(np.arange(10), n // 10)


def compare_ridge(rounds: int, n: int, p: int, n_rois: int) -> None:
    X, y, groups = make_data(n, p, n_rois)
    alphas = np.logspace(0, 6, 13)
    splits = list(GroupKFold(5).split(X, y, groups))
    theirs = RidgeCV(alphas, cv=splits, scoring="neg_mean_squared_error")
    ways = {
        "scikit-learn, one penalty for all regions": lambda: theirs.fit(X, y),
        "ours, a penalty for each region": lambda: GroupedRidge(alphas).fit(X, y, groups),
    }
    try:
        from himalaya.kernel_ridge import KernelRidgeCV
        from himalaya.ridge import RidgeCV as HimalayaRidgeCV
    except ImportError:
        print("\nhimalaya is not installed and left out.")
    else:
        wide = p > n
        kind = KernelRidgeCV if wide else HimalayaRidgeCV
        ways["himalaya, a penalty for each region"] = lambda: kind(alphas, cv=splits).fit(
            X, y
        )
    title = f"Ridge, {n} windows x {p} features, {n_rois} regions, 13 penalties, 5 folds"
    compare(title, ways, rounds)


def compare_lasso(rounds: int, n: int, p: int, n_rois: int) -> None:
    X, y, _ = make_data(n, p, n_rois)
    ours = GroupedSparseGroupLasso(8, n_penalties=1)
    penalty = 0.2 * ours._penalties(X, y)
    ways = {
        "ours, Gram matrix, all groups at once": lambda: next(
            ours._solve_path(X, y, penalty)
        )
    }
    try:
        from himalaya.lasso import solve_sparse_group_lasso
    except ImportError:
        print("\nhimalaya is not installed and left out.")
    else:
        groups = np.repeat(np.arange(p // 8), 8)
        ways["himalaya, one group after the other"] = lambda: solve_sparse_group_lasso(
            X,
            y,
            groups,
            l1_reg=penalty[0] * 0.5,
            l21_reg=penalty[0] * ours._group_weight(),
            max_iter=2000,
            tol=1e-3,
            progress_bar=False,
        )
    title = f"Sparse group lasso, {n} windows x {p} features, {n_rois} regions, one penalty"
    compare(title, ways, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    compare_biot(arguments.rounds, arguments.batch)
    compare_ridge(arguments.rounds, n=4000, p=1000, n_rois=64)
    compare_ridge(arguments.rounds, n=600, p=6000, n_rois=7)
    compare_lasso(arguments.rounds, n=2000, p=800, n_rois=16)


if __name__ == "__main__":
    main()
