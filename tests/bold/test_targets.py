"""From region series to targets: filter, mean, parts, the published variant."""

import json
import logging
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt, sosfreqz

from braindecode_bolt import Recording, attach_bold, create_bold_windows, prepare_bold
from braindecode_bolt.bold import (
    prepare_bold_as_published,
    prepare_series,
    prepare_series_as_published,
    repetition_time,
    volume_steps,
)
from braindecode_bolt.markers import MarkerError

GOLDEN = json.loads((Path(__file__).parent / "bold_golden.json").read_text("utf-8"))


@pytest.fixture
def carry(make_raw):
    """Make a recording of a table."""

    def make(table, tr=2.0):
        raw = make_raw(len(table), tr=tr, sfreq=20.0, first=0.0)
        return Recording(attach_bold(raw, table), "01")

    return make


def independent(values, tr):
    """The same filter in another form: sections instead of polynomials."""
    sections = butter(5, 0.15, fs=1 / tr, output="sos")
    filtered = sosfiltfilt(sections, values, axis=0, padtype="odd", padlen=18)
    return filtered - filtered.mean(axis=0)


def test_slow_fluctuations_pass_and_fast_ones_do_not(carry):
    times = 2.0 * np.arange(300)
    table = pd.DataFrame(
        {"slow": np.sin(2 * np.pi * 0.03 * times), "fast": np.sin(2 * np.pi * 0.22 * times)}
    )
    prepared = prepare_bold(carry(table + 5)).bold
    middle = slice(30, -30)
    np.testing.assert_allclose(prepared["slow"][middle], table["slow"][middle], atol=0.05)
    _, gain = sosfreqz(butter(5, 0.15, fs=0.5, output="sos"), [0.22], fs=0.5)
    assert prepared["fast"][middle].abs().max() < 2 * np.abs(gain[0]) ** 2 + 0.02
    np.testing.assert_allclose(prepared.mean(), 0, atol=1e-12)


def test_without_low_pass_only_the_mean_goes(make_recording):
    recording = make_recording()
    expected = recording.bold - recording.bold.mean()
    prepared = prepare_bold(recording, low_pass=None)
    np.testing.assert_allclose(prepared.bold, expected, atol=1e-15)
    series = prepare_series(recording.bold, 2.0, low_pass=None)
    np.testing.assert_allclose(series, expected, atol=1e-15)


def test_a_long_repetition_time_needs_no_filter(make_recording, caplog):
    recording = make_recording(tr=4.0)
    with caplog.at_level(logging.INFO):
        prepared = prepare_bold(recording)
    assert "no low-pass at 0.15 Hz" in caplog.text
    expected = recording.bold - recording.bold.mean()
    np.testing.assert_allclose(prepared.bold, expected, atol=1e-15)


def test_simulated_truth_is_prepared_alike(recordings):
    for recording in recordings:
        assert abs(recording.table("noiseless").to_numpy().mean()) < 1e-12
        assert recording.ceiling.to_numpy().min() > 0.5
        # In the units of the BOLD, with which it is compared.
        published, twice = prepare_bold_as_published(recording), prepare_bold(recording)
        scale = twice.bold.abs().quantile(0.95)
        for kind in ("bold", "noiseless", "noiseless_window"):
            np.testing.assert_allclose(
                published.table(kind) * scale, twice.table(kind), rtol=1e-6
            )


def test_what_cannot_be_filtered_is_an_error(make_recording, make_raw, make_bold):
    with pytest.raises(ValueError, match="has 12 volumes; the low-pass filter needs"):
        prepare_bold(make_recording(n_volumes=12))
    assert len(prepare_bold(make_recording(n_volumes=19)).bold) == 19
    with pytest.raises(ValueError, match="low_pass must be a frequency above 0 Hz, got 0"):
        prepare_bold(make_recording(), low_pass=0)
    with pytest.raises(MarkerError, match="carries no BOLD"):
        prepare_bold(Recording(make_raw(20), "01"))


def paused(make_raw, make_bold, n_volumes=60, after=25):
    """A scanner that stood still for a second after some volumes."""
    raw = make_raw(n_volumes, duration=2.0 * n_volumes + 20.0)
    raw.annotations.onset[after:] += 1.0
    return Recording(attach_bold(raw, make_bold(n_volumes)), "01")


def test_no_filter_runs_across_a_pause(make_raw, make_bold, caplog):
    recording = paused(make_raw, make_bold)
    assert list(np.flatnonzero(volume_steps(recording) != 1)) == [0, 25]
    for parts in (None, [(0, 60)], [(0, 25), (25, 60)]):
        prepared = prepare_bold(recording, parts=parts).bold
        for part in (slice(0, 25), slice(25, 60)):
            expected = independent(recording.bold.to_numpy()[part], 2.0)
            np.testing.assert_allclose(prepared.to_numpy()[part], expected, atol=1e-9)
        told = "uneven intervals between volumes: 1" in caplog.text
        assert told == (parts is None or len(parts) == 1)
        caplog.clear()
    # Without a filter, spacing does not matter.
    assert len(prepare_bold(recording, low_pass=None).bold) == 60
    with pytest.raises(ValueError, match="between two pauses, has 15 volumes; the low"):
        prepare_bold(recording, parts=[(10, 40)])


def test_joined_runs_are_filtered_one_by_one(make_recording):
    runs = [make_recording(n_volumes=30, first=0.0, seed=seed) for seed in (0, 1)]
    expected = [independent(run.bold.to_numpy(), 2.0) for run in runs]
    joined = mne.concatenate_raws([run.raw for run in runs], verbose="error")
    prepared = prepare_bold(Recording(joined, "01")).bold
    np.testing.assert_allclose(prepared, np.concatenate(expected), atol=1e-9)


CENSORED = (0, 10, 11, 12, 13, 40, 59)
KEPT = [volume for volume in range(60) if volume not in CENSORED]


def scrubbed(make_raw, table, kept=KEPT):
    raw = make_raw(60, tr=2.0, first=0.0)
    return Recording(attach_bold(raw, table.loc[kept], volumes=kept), "01")


def interpolated(table, kept=KEPT):
    """The same by way of pandas."""
    whole = table.loc[kept].reindex(range(kept[0], kept[-1] + 1)).interpolate("linear")
    sections = butter(5, 0.15, fs=0.5, output="sos")
    filtered = sosfiltfilt(sections, whole, axis=0, padtype="odd", padlen=18)
    filtered = filtered[np.array(kept) - kept[0]]
    return filtered - filtered.mean(axis=0)


def test_scrubbed_volumes_are_interpolated_for_the_filter(make_raw, make_bold, caplog):
    table = make_bold(60)
    recording = scrubbed(make_raw, table)
    with caplog.at_level(logging.INFO):
        prepared = prepare_bold(recording)
    assert "5 of 58 volumes have no BOLD; they are interpolated" in caplog.text
    assert list(prepared.bold.index) == KEPT
    np.testing.assert_allclose(prepared.bold, interpolated(table), atol=1e-9)
    assert list(create_bold_windows([prepared], 4.0).metadata["volume"]) == KEPT[1:]
    published = prepare_bold_as_published(recording).bold
    np.testing.assert_allclose(published.abs().quantile(0.95), 1, atol=1e-6)
    # Parts are prepared as if alone, with what is missing inside them.
    for part in (range(1, 30), range(30, 59)):
        kept = [volume for volume in KEPT if volume in part]
        alone = prepare_bold(recording, parts=[(part[0], part[-1] + 1)]).bold
        np.testing.assert_allclose(alone, interpolated(table, kept), atol=1e-9)


def test_what_was_scrubbed_does_not_matter(make_raw, make_bold):
    table, other = make_bold(60), make_bold(60)
    other.loc[list(CENSORED)] = 1e4
    before, after = (prepare_bold(scrubbed(make_raw, t)).bold for t in (table, other))
    pd.testing.assert_frame_equal(before, after)


def test_the_truth_of_a_simulation_is_scrubbed_alike(make_raw, make_bold):
    raw, table = make_raw(60, tr=2.0, first=0.0), make_bold(60)
    kept = table.loc[KEPT]
    noiseless = {"noiseless": kept, "noiseless_window": kept}
    raw = attach_bold(raw, kept, volumes=KEPT, **noiseless)
    prepared = prepare_bold(Recording(raw, "01"))
    np.testing.assert_allclose(prepared.ceiling, 1.0)


def test_every_second_volume_may_be_missing(make_raw):
    """The repetition time is that of the scanner, not of the volumes that are left."""
    slow = np.sin(2 * np.pi * 0.02 * 2.0 * np.arange(60))
    table = pd.DataFrame({"A": slow, "B": -slow})
    recording = scrubbed(make_raw, table, list(range(0, 60, 2)))
    assert repetition_time(recording) == pytest.approx(2.0)
    prepared = prepare_bold(recording).bold
    np.testing.assert_allclose(
        prepared[4:-4], (table - table.mean()).loc[prepared.index[4:-4]], atol=0.1
    )


def test_series_with_volumes_left_out(make_bold):
    """As extract_regions gives them, and confounds that leave volumes out."""
    table = make_bold(60).set_axis(pd.RangeIndex(60, name="volume"))
    prepared = prepare_series(table.loc[KEPT], 2.0)
    np.testing.assert_allclose(prepared, interpolated(table), atol=1e-9)
    assert list(prepared.index) == KEPT
    one = prepare_series(table.loc[KEPT, "B"], 2.0)
    np.testing.assert_allclose(one, prepared["B"])
    # Another index says nothing about time.
    plain = prepare_series(table.loc[KEPT].rename_axis("row"), 2.0)
    expected = independent(table.loc[KEPT].to_numpy(), 2.0)
    np.testing.assert_allclose(plain, expected, atol=1e-9)


def test_a_volume_number_takes_no_memory(make_bold):
    far = [*range(30), *range(10**12, 10**12 + 30)]
    table = make_bold(60).set_axis(pd.Index(far, name="volume"))
    assert prepare_series(table, 2.0).shape == (60, 2)
    with pytest.raises(ValueError, match="must hold ascending integers"):
        prepare_series(table.iloc[::-1], 2.0)
    with pytest.raises(ValueError, match="3 steps were given for 60 volumes"):
        prepare_series(table, 2.0, steps=[0, 1, 1])


def test_complex_and_masked_series_are_refused(make_bold, make_raw):
    table = make_bold(60)
    for values in (table * 1j, (table * 1j).to_numpy()):
        with pytest.raises(ValueError, match=r"not real numbers: .*complex128"):
            prepare_series(values, 2.0)
    with pytest.raises(ValueError, match=r"not real numbers: A \(complex128\)"):
        attach_bold(make_raw(60), table * 1j)
    masked = np.ma.masked_greater(table.to_numpy(), 2)
    with pytest.raises(ValueError, match="missing or non-finite"):
        prepare_series(masked, 2.0)
    with pytest.raises(ValueError, match="non-finite value, the first in volume 3"):
        attach_bold(make_raw(60), table.replace(table.loc[3, "A"], 1e39))


@pytest.mark.parametrize("prepare", [prepare_bold, prepare_bold_as_published])
def test_a_constant_region_or_nan_is_an_error(carry, make_bold, prepare):
    table = make_bold(30, rois=("A", "Heschl’s gyrus", "C"))
    table["Heschl’s gyrus"] = 0.1
    with pytest.raises(ValueError, match="1 of 3 regions are constant.*Heschl’s gyrus"):
        prepare(carry(table))
    recording = carry(make_bold(30))
    extras = recording.raw.annotations.extras
    extras[7]["bold:B"] = float("nan")
    recording.raw.annotations.extras = extras
    with pytest.raises(ValueError, match="first in volume 7, region 'B'"):
        prepare(recording)


def test_a_region_constant_within_a_part_is_an_error(carry, make_bold):
    table = make_bold(60)
    table.loc[30:, "B"] = 1.0
    assert len(prepare_bold(carry(table)).bold) == 60
    with pytest.raises(ValueError, match="volumes 30 to 59: 1 of 2 regions are constant"):
        prepare_bold(carry(table), parts=[(0, 30), (30, 60)])


PARTS = [(0, 40), slice(50, 80), slice(90, None)]
RANGES = [range(0, 40), range(50, 80), range(90, 120)]


@pytest.mark.parametrize("changed", range(3))
def test_nothing_passes_from_one_part_to_another(carry, make_bold, changed):
    table = make_bold(120)
    other = table.copy()
    # All that is outside of the other parts may change, the gaps too.
    rows = [
        v for v in range(120) if not any(v in r for r in RANGES if r != RANGES[changed])
    ]
    other.iloc[rows] = 1e3 + 50 * make_bold(len(rows), seed=1).to_numpy()
    before = prepare_bold(carry(table), parts=PARTS).bold
    after = prepare_bold(carry(other), parts=PARTS).bold
    for position, volumes in enumerate(RANGES):
        same = np.array_equal(before.loc[volumes], after.loc[volumes])
        assert same == (position != changed)


def test_each_part_is_prepared_as_if_it_were_alone(carry, make_bold, caplog):
    recording = carry(make_bold(120))
    with caplog.at_level(logging.INFO):
        prepared = prepare_bold(recording, parts=PARTS[::-1])
    assert "30 of 120 volumes are in no part" not in caplog.text
    assert "20 of 120 volumes are in no part and left out" in caplog.text
    assert list(prepared.bold.index) == [v for r in RANGES for v in r]
    for volumes in RANGES:
        values = recording.bold.loc[volumes].to_numpy()
        np.testing.assert_allclose(
            prepared.bold.loc[volumes], independent(values, 2.0), atol=1e-9
        )
        alone = prepare_series(recording.bold.loc[volumes], 2.0)
        pd.testing.assert_frame_equal(prepared.bold.loc[volumes], alone)
    assert len(recording.bold) == 120


def test_no_window_is_made_of_volumes_in_no_part(make_recording, tmp_path):
    recording = make_recording(n_volumes=60, tr=2.0, first=0.0)
    prepared = prepare_bold(recording, parts=[(0, 20), (35, 60)])
    kept = [*range(2, 20), *range(35, 60)]
    windows = create_bold_windows([prepared], 4.0)
    assert list(windows.metadata["volume"]) == kept
    whole = create_bold_windows([recording], 4.0)
    rows = whole.metadata["volume"].isin(kept).to_numpy()
    np.testing.assert_array_equal(np.asarray(windows.X), np.asarray(whole.X)[rows])
    # The markers themselves stay, and all survives a file.
    assert len(prepared.raw.annotations) == 60
    prepared.raw.save(tmp_path / "sub-01_eeg.fif", verbose="error")
    read = Recording(mne.io.read_raw(tmp_path / "sub-01_eeg.fif", verbose="error"), "01")
    pd.testing.assert_frame_equal(read.bold, prepared.bold)


def test_parts_are_numbers_of_volumes_as_recorded(make_recording):
    recording = make_recording(n_volumes=60, first=0.0)
    # The first ten volumes are lost with the start of the recording.
    cropped = Recording(recording.raw.copy().crop(tmin=19.5), "01")
    assert cropped.bold.index[0] == 10
    prepared = prepare_bold(cropped, parts=[slice(None, 30), (40, 60)])
    assert list(prepared.bold.index) == [*range(10, 30), *range(40, 60)]
    expected = independent(recording.bold.loc[10:29].to_numpy(), 2.0)
    np.testing.assert_allclose(prepared.bold.loc[10:29], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([(0, 20), (19, 40)], "overlap: volume 19 is in two"),
        ([(60, 90)], r"no volume in the part \(60, 90\); it has volumes 0 to 59"),
        ([(30, 30)], r"no volume in the part \(30, 30\)"),
        ([], "parts is empty"),
        ([(0, 30), 5], "must be two volume numbers"),
        ([(-5, 30)], "must be two volume numbers"),
        ([(0.0, 30.0)], "must be two volume numbers"),
        ([(0, 30, 2)], "must be two volume numbers"),
        ([slice(0, 30, 2)], "without a step"),
        ([(0, 30), (40, 52)], "volumes 40 to 51 has 12 volumes; the low-pass filter"),
    ],
)
def test_parts_that_make_no_sense(make_recording, parts, message):
    with pytest.raises(ValueError, match=message):
        prepare_bold(make_recording(n_volumes=60), parts=parts)


def test_parts_of_joined_recordings_are_ambiguous(make_recording):
    joined = mne.concatenate_raws(
        [make_recording(n_volumes=30, seed=seed).raw for seed in (0, 1)], verbose="error"
    )
    with pytest.raises(ValueError, match="volumes of the same number"):
        prepare_bold(Recording(joined, "01"), parts=[(0, 30)])


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['scan']} {c['roi']}")
@pytest.mark.parametrize("kind", ["recording", "table", "array"])
def test_the_published_preparation_is_reproduced(carry, case, kind):
    # The release spells this region with a typographic apostrophe.
    series = np.float32(case["series"])
    table = pd.DataFrame({"Heschl’s gyrus": series[::-1], case["roi"]: series})
    tr = case["repetition_time"]
    if kind == "recording":
        prepared = prepare_bold_as_published(carry(table, tr)).bold
    elif kind == "table":
        prepared = prepare_series_as_published(table, tr)
    else:
        prepared = pd.DataFrame(prepare_series_as_published(table.to_numpy(), tr))
        prepared.columns = table.columns
    assert prepared.columns[0] == "Heschl’s gyrus"
    values = prepared[case["roi"]].to_numpy()
    assert len(values) == case["n_volumes"]
    np.testing.assert_allclose(values[:8], case["first8"], rtol=0, atol=1e-6)
    found = [values[100], values[287], values[-1], values.mean(), values.std()]
    expected = [case[k] for k in ("at_100", "at_287", "last", "mean", "std")]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert np.percentile(np.abs(values), 95) == pytest.approx(case["abs_q95"], abs=1e-6)


@pytest.mark.parametrize("prepare", [prepare_series, prepare_series_as_published])
def test_series_keep_their_kind_and_labels(make_bold, prepare):
    table = make_bold(40).set_axis(pd.Index(range(5, 45), name="volume"))
    prepared = prepare(table, 2.1)
    assert prepared.index.equals(table.index) and list(prepared) == ["A", "B"]
    pd.testing.assert_series_equal(prepare(table["B"], 2.1), prepared["B"])
    np.testing.assert_array_equal(prepare(table.to_numpy(), 2.1), prepared)
    np.testing.assert_array_equal(prepare(table["A"].to_numpy(), 2.1), prepared["A"])
    assert prepare(table.astype(np.float32), 2.1).dtypes.eq(float).all()
    whole_numbers = (1000 * table).round().astype(np.int16)
    np.testing.assert_allclose(
        prepare(whole_numbers, 2.1), prepare(whole_numbers.astype(float), 2.1), rtol=1e-12
    )


@pytest.mark.parametrize("tr", [0.0, -2.0, np.nan])
def test_series_need_a_repetition_time(make_bold, tr):
    with pytest.raises(ValueError, match="tr (==|must be a finite)"):
        prepare_series(make_bold(40), tr)


def test_series_that_cannot_be_prepared(make_bold):
    table = make_bold(40)
    with pytest.raises(ValueError, match="The series has 18 volumes; the low-pass"):
        prepare_series(table[:18], 2.1)
    with pytest.raises(ValueError, match="1 of 3 regions are constant over 40 volumes: C"):
        prepare_series(table.assign(C=1.0), 2.1)
    table.loc[3, "A"] = np.inf
    with pytest.raises(ValueError, match="first in volume 3, region 'A'"):
        prepare_series_as_published(table, 2.1)


@settings(max_examples=25, deadline=None)
@given(
    n_volumes=st.integers(19, 200),
    tr=st.floats(0.5, 3.2),
    gain=st.floats(1e-3, 1e3),
    offset=st.floats(-1e3, 1e3),
    seed=st.integers(0, 2**16),
)
def test_published_targets_have_no_units(n_volumes, tr, gain, offset, seed):
    values = np.random.default_rng(seed).standard_normal((n_volumes, 2)).cumsum(axis=0)
    targets = prepare_series_as_published(values, tr)
    np.testing.assert_allclose(
        prepare_series_as_published(gain * values + offset, tr), targets, atol=1e-4
    )
    np.testing.assert_allclose(np.quantile(np.abs(targets), 0.95, axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(targets.mean(axis=0), 0, atol=1e-9)


def test_repetition_time_is_measured(make_recording):
    assert repetition_time(make_recording(tr=2.1)) == pytest.approx(2.1)
    with pytest.raises(MarkerError, match="1 volume; at least 2"):
        repetition_time(make_recording(n_volumes=1))
