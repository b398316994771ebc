"""How often 90 % intervals hold on simulated people who were not seen.

Two tables.

1. Errors alone: autocorrelated errors of people whose spread differs, many draws.
   Intervals are learned from some people and tried on a further one. ``ordinary``: people
   are alike up to the differences in spread. ``noisy known``: one of the people known has
   ten times the error, the further one is ordinary. ``noisy anyone``: one of all people
   has, known or not. With few people, one of whom is far noisier, no interval is right in
   both cases.
2. Models: band-power ridge and Gaussian process on SimulatedEEGfMRI. Errors come from
   cross-validation over the people known; intervals are tried on as many people who had no
   part in anything. In the lower half, one person known has BOLD noise of ``--times``
   standard deviations. ``spread``: the Gaussian process's own standard deviation says where
   intervals are wide; ``model alone`` is its mean plus or minus 1.645 of it.

Run: python benchmarks/coverage.py [--draws 200] [--people 24] [--duration 180] [--times 3]
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from scipy.signal import lfilter
from sklearn.model_selection import GroupKFold

from braindecode_bolt import create_bold_windows
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import BandPowerGP, LaggedBandPower
from braindecode_bolt.metrics import SubjectIntervals

LEVEL = 0.9
METHODS = ("leave-one-out", "conformal")


def errors_of_people(rng, n_people, difference, noisy=None, n_volumes=200, n_rois=4):
    """AR(1) errors; the logarithm of each person's spread has this standard deviation."""
    spreads = np.exp(difference * rng.standard_normal(n_people))
    if noisy is not None:
        spreads[noisy] *= 10
    white = rng.standard_normal((n_people, n_volumes + 50, n_rois))
    errors = lfilter([1], [1, -0.7], white, axis=1)[:, 50:] * np.sqrt(1 - 0.7**2)
    return (errors * spreads[:, None, None]).reshape(-1, n_rois), np.repeat(
        np.arange(n_people), n_volumes
    )


def covered(intervals, errors):
    lower, upper = intervals.interval(np.zeros_like(errors), LEVEL)
    return np.mean((errors >= lower) & (errors <= upper))


def table_of_errors(n_draws):
    print(f"Coverage of {LEVEL:.0%} intervals, errors alone, {n_draws} draws")
    print("people  method         differences  ordinary  noisy known  noisy anyone")
    for n_people in (6, 12, 24, 48):
        for method in METHODS:
            for difference in (0.0, 0.3):
                found = []
                for kind in ("ordinary", "known", "anyone"):
                    rng = np.random.default_rng(0)
                    all_covered = []
                    for _ in range(n_draws):
                        anyone = int(rng.integers(n_people + 1))
                        noisy = {"ordinary": None, "known": 0, "anyone": anyone}[kind]
                        errors, who = errors_of_people(rng, n_people + 1, difference, noisy)
                        known = who < n_people
                        intervals = SubjectIntervals(method).fit(
                            errors[known], np.zeros_like(errors[known]), who[known]
                        )
                        all_covered.append(covered(intervals, errors[~known]))
                    found.append(np.mean(all_covered))
                print(
                    f"{n_people:6}  {method:13}  {difference:11}  {found[0]:8.3f}  "
                    f"{found[1]:11.3f}  {found[2]:12.3f}",
                    flush=True,
                )


def predictions(model, windows, y, known):
    """Of the people known by cross-validation, of the others by a fit on those known."""
    groups = np.asarray(windows.groups)
    with_std = {"return_std": True} if isinstance(model, BandPowerGP) else {}
    mean, spread = np.empty_like(y, float), np.ones_like(y, float)
    folds = [
        (known[train], known[test])
        for train, test in GroupKFold(4).split(known, groups=groups[known])
    ]
    for train, test in [*folds, (known, np.setdiff1d(np.arange(len(y)), known))]:
        found = model.fit(windows.X[train], y[train]).predict(windows.X[test], **with_std)
        mean[test] = found[0] if with_std else found
        if with_std:
            spread[test] = found[1]
    return mean, spread


def table_of_models(n_people, duration, times):
    recordings = SimulatedEEGfMRI(2 * n_people, duration=duration).load()
    windows = create_bold_windows(recordings)
    people = np.asarray(windows.groups)
    names = np.unique(people)
    known = np.flatnonzero(np.isin(people, names[:n_people]))
    new = np.setdiff1d(np.arange(len(people)), known)
    print(f"\nModels, {n_people} people known, {n_people} not seen, {duration:g} s each")
    print("noise of one known  model            intervals    coverage  lowest person")
    for factor in (0.0, times):
        y = np.array(windows.y, float)
        rows = people == names[0]
        white = np.random.default_rng(0).standard_normal(y[rows].shape)
        y[rows] += factor * y.std(axis=0) * lfilter([1], [1, -0.7], white, axis=0)
        for name, model in (
            ("LaggedBandPower", LaggedBandPower()),
            ("BandPowerGP", BandPowerGP("classical")),
        ):
            mean, spread = predictions(model, windows, y, known)
            ways = {"one width": None}
            if name == "BandPowerGP":
                ways["spread"] = spread
                ways["model alone"] = spread
            for way, of_model in ways.items():
                given = None if of_model is None else of_model[new]
                if way == "model alone":
                    lower, upper = mean[new] - 1.645 * given, mean[new] + 1.645 * given
                else:
                    known_spread = None if of_model is None else of_model[known]
                    intervals = SubjectIntervals().fit(
                        y[known], mean[known], people[known], known_spread
                    )
                    lower, upper = intervals.interval(mean[new], LEVEL, given)
                inside = ((y[new] >= lower) & (y[new] <= upper)).mean(axis=1)
                of_people = [inside[people[new] == one].mean() for one in names[n_people:]]
                print(
                    f"{factor:18g}  {name:15}  {way:11}  {np.mean(of_people):8.3f}  "
                    f"{min(of_people):13.3f}",
                    flush=True,
                )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--duration", type=float, default=180.0)
    parser.add_argument("--times", type=float, default=3.0)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "With .* people, no interval can be guaranteed")
    table_of_errors(options.draws)
    table_of_models(options.people, options.duration, options.times)


if __name__ == "__main__":
    main()
