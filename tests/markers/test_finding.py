"""Volume markers as amplifiers write them, and the series that they stand for."""

import datetime
import logging
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt import Recording, attach_bold
from braindecode_bolt.markers import MarkerError, find_volume_markers

SFREQ, TR, STEP = 250.0, 2.1, 525
DATE = datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC)
DATA = Path(__file__).parents[2] / "shared" / "data"


def make_raw(samples, sfreq=SFREQ, marker="R128", first_samp=0, date=None, n_times=None):
    """Make silence with markers at samples of the data."""
    n_times = n_times or int(np.max(samples, initial=0)) + 2000
    info = mne.create_info(["Cz"], sfreq, "eeg")
    raw = mne.io.RawArray(np.zeros((1, n_times)), info, first_samp, verbose="error")
    raw.set_meas_date(date)
    # With a date, onsets count from the date; without, from the first sample.
    begin = raw.first_time if date else 0.0
    onsets = np.asarray(samples) / sfreq + begin
    raw.set_annotations(mne.Annotations(onsets, 0.0, marker, orig_time=date))
    return raw


def with_channels(raw, **channels):
    """Add stimulus channels, given as {name: {code: samples}}."""
    names = [name.replace("_", " ") for name in channels]
    data = np.zeros((len(names), raw.n_times))
    for row, events in zip(data, channels.values(), strict=True):
        for code, samples in events.items():
            row[np.asarray(samples)] = code
    info = mne.create_info(names, raw.info["sfreq"], "stim")
    more = mne.io.RawArray(data, info, raw.first_samp, verbose="error")
    more.set_meas_date(raw.info["meas_date"])
    return raw.copy().add_channels([more], force_update_info=True)


def series(n=30, first=1000, step=STEP):
    return first + step * np.arange(n)


def statuses(report):
    return report.markers["status"].value_counts().to_dict()


# ---------------------------------------------------------------- regular series


@pytest.mark.parametrize("tell_tr", [True, False])
@pytest.mark.parametrize("clock", [0.0, 3e-5, -3e-5])
@pytest.mark.parametrize(
    ("sfreq", "tr"),
    [(250.0, 2.1), (500 / 3, 2.1), (1000.05, 2.0), (128.0, 2.1), (5000.0, 0.72)],
)
def test_a_regular_series_stays_as_it_is(sfreq, tr, clock, tell_tr):
    written = np.rint((7.3 + tr * (1 + clock) * np.arange(150)) * sfreq).astype(int)
    volumes = find_volume_markers(make_raw(written, sfreq), tr=tr if tell_tr else None)
    np.testing.assert_array_equal(volumes.samples, written)
    assert volumes.samples.dtype == np.int64
    assert volumes.marker == "R128"
    assert volumes.tr == pytest.approx(tr, rel=0 if tell_tr else 1e-4)
    report = volumes.report
    assert report.measured_tr == pytest.approx(tr * (1 + clock), rel=1e-5)
    assert report.n_found == report.n_volumes == len(volumes) == 150
    assert not report.corrected
    assert "nothing corrected" in str(report)
    assert report.max_residual <= 0.75


def test_the_measured_tr_is_a_whole_number_of_milliseconds_where_it_can_be():
    assert find_volume_markers(make_raw(series())).tr == 2.1
    odd = np.rint(series(200, step=511.875)).astype(int)
    assert find_volume_markers(make_raw(odd)).tr == pytest.approx(2.0475, abs=1e-6)


@pytest.mark.parametrize(("n", "tr"), [(2, 2.1), (3, 2.1), (3, None)])
def test_few_volumes_are_enough(n, tr):
    volumes = find_volume_markers(make_raw(series(n)), tr=tr)
    np.testing.assert_array_equal(volumes.samples, series(n))


@pytest.mark.parametrize(
    ("tr", "said"),
    [
        (2.0, r"tr=2 s does not fit.*most frequent interval is 2\.1 s"),
        (1.05, r"tr=1.05 s does not fit.*most frequent interval is 2\.1 s"),
        (4.2, r"tr=4.2 s does not fit: the markers are 2\.1 s apart, 2 in each"),
        (2.102, r"tr=2.102 s does not fit: .* are 2\.1 s apart.*clocks"),
    ],
)
def test_a_wrong_tr_is_refused_with_both_figures(tr, said):
    with pytest.raises(MarkerError, match=said):
        find_volume_markers(make_raw(series(288)), tr=tr)


# ---------------------------------------------------------------- single slips


@pytest.mark.parametrize("apart", [0, 2])
@pytest.mark.parametrize("doubled", [slice(None), slice(26, None), slice(4, 5)])
@pytest.mark.parametrize("tr", [TR, None])
def test_markers_written_twice_become_one(doubled, apart, tr):
    true = series(60)
    written = np.sort(np.concatenate([true, true[doubled] + apart]))
    volumes = find_volume_markers(make_raw(written), tr=tr)
    np.testing.assert_array_equal(volumes.samples, true)
    np.testing.assert_array_equal(
        volumes.report.samples("duplicate"), true[doubled] + apart
    )
    assert f"repeated markers removed: {len(true[doubled])} (" in str(volumes.report)
    assert volumes.report.max_residual == 0


@pytest.mark.parametrize("late", [1, -1, 3, -3])
@pytest.mark.parametrize("volume", [0, 12, 29])
@pytest.mark.parametrize("tr", [TR, None])
def test_a_late_marker_is_moved_to_the_grid(late, volume, tr):
    written = series(30)
    written[volume] += late
    report = find_volume_markers(make_raw(written), tr=tr).report
    true = series(30)
    expected = {"volume": volume, "found": true[volume] + late, "sample": true[volume]}
    assert report.moved.to_dict("records") == [{**expected, "late": late}]
    residuals = np.zeros(30)
    residuals[volume] = late
    np.testing.assert_allclose(report.residuals, residuals, atol=1e-6)
    assert report.max_residual == pytest.approx(3 if abs(late) == 3 else 1)
    assert f"{abs(late)} {'late' if late > 0 else 'early'}" in str(report)


def test_of_two_markers_the_nearer_to_the_grid_is_kept():
    true = series(30)
    volumes = find_volume_markers(make_raw(np.sort(np.append(true, true[7] - 2))), tr=TR)
    np.testing.assert_array_equal(volumes.samples, true)
    assert volumes.report.samples("duplicate").tolist() == [true[7] - 2]
    assert volumes.report.moved.empty


def test_strays_are_removed_and_reported():
    true = series(100, first=5000)
    spurious = [1200, 5000 + 10 * STEP + 200, true[-1] + 777]
    volumes = find_volume_markers(make_raw(np.sort(np.append(true, spurious))))
    np.testing.assert_array_equal(volumes.samples, true)
    assert volumes.report.samples("spurious").tolist() == spurious
    assert "spurious markers removed: 3 (4.800 s" in str(volumes.report)


def test_a_test_pulse_on_the_grid_long_before_the_scan_is_a_stray():
    true = series(50, first=1000 + 20 * STEP)
    volumes = find_volume_markers(make_raw(np.append(1000, true)), tr=TR)
    np.testing.assert_array_equal(volumes.samples, true)
    assert volumes.report.samples("spurious").tolist() == [1000]


def test_too_many_strays_are_an_error_that_says_where():
    true = series(100)
    others = true[10:80:5] + 211
    with pytest.raises(MarkerError, match=r"14 markers are not on the grid .*25\.844 s"):
        find_volume_markers(make_raw(np.sort(np.append(true, others))), tr=TR)


def test_two_series_side_by_side_are_an_error():
    true = series(100)
    with pytest.raises(MarkerError, match="20 markers are not .* two series"):
        find_volume_markers(make_raw(np.sort(np.append(true, true[:20] + 200))), tr=TR)
    with pytest.raises(MarkerError, match=r"0\.8 s apart, 2 in each repetition time"):
        find_volume_markers(make_raw(np.sort(np.append(true, true + 200))), tr=TR)


def test_the_tolerance_says_what_is_the_same_place():
    true = series(60)
    written = np.sort(np.append(true, true[26:] + 8))
    with pytest.raises(MarkerError, match="longer tolerance if some were written twice"):
        find_volume_markers(make_raw(written), tr=TR)
    volumes = find_volume_markers(make_raw(written), tr=TR, tolerance=0.04)
    np.testing.assert_array_equal(volumes.samples, true)
    with pytest.raises(MarkerError, match=r"Give a tolerance below 0\.21 s"):
        find_volume_markers(make_raw(true), tr=TR, tolerance=0.3)


def test_markers_too_close_to_be_told_apart():
    with pytest.raises(MarkerError, match=r"40 markers from 4\.000 s"):
        find_volume_markers(make_raw(np.arange(1000, 1080, 2)), tr=TR)


# ---------------------------------------------------------------- missing markers


@pytest.mark.parametrize("tr", [TR, None])
def test_missing_markers_are_an_error_that_says_where(tr):
    written = np.delete(series(30), [5, 6, 20])
    with pytest.raises(MarkerError) as raised:
        find_volume_markers(make_raw(written), tr=tr)
    message = str(raised.value)
    assert "3 markers are missing among 30 volumes" in message
    assert "volume 5 to 6, expected at 14.500 s (sample 3625)" in message
    assert "volume 20, expected at 46.000 s (sample 11500)" in message
    assert "missing='fill'" in message


def test_of_many_holes_the_first_are_named():
    written = np.delete(series(60), range(2, 50, 6))
    with pytest.raises(MarkerError, match="volume 26, expected .*and 3 more places"):
        find_volume_markers(make_raw(written), tr=TR)


@pytest.mark.parametrize("gone", [[5, 6, 20], [1], [28], [*range(10, 20)], [1, 3, 5, 7]])
@pytest.mark.parametrize("tr", [TR, None])
def test_missing_markers_are_filled_when_asked(gone, tr):
    true = series(30)
    raw = make_raw(np.delete(true, gone))
    volumes = find_volume_markers(raw, tr=tr, missing="fill")
    np.testing.assert_array_equal(volumes.samples, true)
    np.testing.assert_array_equal(volumes.report.filled, true[gone])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(volumes.report.residuals)), gone)
    assert f"missing markers filled on the grid: {len(gone)} (" in str(volumes.report)


def test_holes_are_filled_by_the_clock_of_the_eeg():
    true = np.rint(1000 + 10500 * (1 + 4e-5) * np.arange(200)).astype(int)
    raw = make_raw(np.delete(true, range(60, 120)), 5000.0)
    volumes = find_volume_markers(raw, tr=2.1, missing="fill")
    assert np.abs(volumes.samples - true).max() <= 1


@pytest.mark.parametrize("volume", [0, 12, 29])
def test_a_marker_too_late_to_be_moved_is_no_volume_and_no_slip(volume):
    true = series(30)
    written = true.copy()
    written[volume] += 5
    with pytest.raises(MarkerError, match=rf"1 marker is missing .*{written[volume]}"):
        find_volume_markers(make_raw(written), tr=TR)
    for arguments in ({"missing": "fill"}, {"tolerance": 0.02}):
        volumes = find_volume_markers(make_raw(written), tr=TR, **arguments)
        np.testing.assert_array_equal(volumes.samples, true)


# ---------------------------------------------------------------- gaps and restarts


def broken(lengths, pauses=(1234, 3000)):
    """Make segments with pauses between them that are no multiple of TR."""
    parts, begin = [], 1000
    for length, pause in zip(lengths, (*pauses, 0), strict=False):
        parts.append(series(length, begin))
        begin = parts[-1][-1] + STEP + pause
    return parts


def test_a_restart_is_an_error_that_lists_the_segments():
    with pytest.raises(MarkerError) as raised:
        find_volume_markers(make_raw(np.concatenate(broken([20, 60]))), tr=TR)
    message = str(raised.value)
    assert "2 segments with a gap, a restart or a joint" in message
    assert "after 43.900 s: 7.036 s to the next volume" in message
    assert "0: 20 volumes from 4.000 s to 46.000 s" in message
    assert "1: 60 volumes from 50.936 s to 176.936 s" in message
    assert "segment='longest'" in message


@pytest.mark.parametrize(
    ("offsets", "said"),
    [
        ([0], r"7 volumes, .*49830.* 5\.0 samples"),
        ([0, 0.16], r"7 volumes, .*49830.* 5\.0 samples"),
        (np.arange(30) * 0.05, "210 markers, from sample 49830 on, do not continue"),
    ],
)
def test_a_step_too_short_for_a_restart_is_an_error(offsets, said):
    raw = make_raw(slice_markers(series(100) + 5 * (np.arange(100) >= 93), offsets))
    for missing in ("raise", "fill"):
        with pytest.raises(MarkerError, match=said):
            find_volume_markers(raw, tr=TR, missing=missing)


@pytest.mark.parametrize(
    ("segment", "index"), [("longest", 1), (0, 0), (2, 2), (-1, 2), (np.int64(1), 1)]
)
@pytest.mark.parametrize("tr", [TR, None])
def test_a_segment_can_be_chosen(segment, index, tr):
    parts = broken([20, 60, 30])
    volumes = find_volume_markers(make_raw(np.concatenate(parts)), tr=tr, segment=segment)
    np.testing.assert_array_equal(volumes.samples, parts[index])
    report = volumes.report
    lengths = [20, 60, 30]
    kept = lengths.pop(index)
    assert [each.n_volumes for each in report.dropped_segments] == lengths
    assert statuses(report) == {"kept": kept, "other segment": sum(lengths)}
    assert str(report).count("segment left out") == 2


def test_a_choice_that_decides_nothing_is_an_error():
    with pytest.raises(MarkerError, match="several segments are the longest"):
        find_volume_markers(
            make_raw(np.concatenate(broken([20, 20]))), tr=TR, segment="longest"
        )
    with pytest.raises(MarkerError, match="no segment 2.*\n  0: 20 volumes.*\n  1: 30"):
        find_volume_markers(make_raw(np.concatenate(broken([20, 30]))), tr=TR, segment=2)


@pytest.mark.parametrize("step", [260, 270])
def test_markers_of_another_sequence_before_the_run(step):
    # Every second marker at 260 is nearly one TR later, at 270 it is not.
    localizer = series(200, 500, step=step)
    run = series(150, 60_000)
    raw = make_raw(np.append(localizer, run))
    with pytest.raises(MarkerError, match="n_slices=1 if there are markers of other seq"):
        find_volume_markers(raw, tr=TR)
    with pytest.raises(MarkerError, match="2 segments|or choose a segment"):
        find_volume_markers(raw, tr=TR, n_slices=1)
    volumes = find_volume_markers(raw, tr=TR, n_slices=1, segment="longest")
    np.testing.assert_array_equal(volumes.samples, run)
    assert statuses(volumes.report)["kept"] == 150
    left_out = volumes.report.markers["status"].isin(["spurious", "other segment"])
    assert left_out.sum() == 200


# ---------------------------------------------------------------- slices

SLICES = {
    "even": np.arange(30) / 30 * TR,
    "with a pause": np.arange(30) * 0.05,
    "multiband, unequal": np.cumsum([0, 0.09, 0.09, 0.14, 0.09, 0.2, 0.09, 0.14, 0.1]),
    "two": np.array([0, 0.1]),
}


def slice_markers(starts, offsets, sfreq=SFREQ):
    return np.rint(starts[:, None] + np.asarray(offsets) * sfreq).astype(int).ravel()


@pytest.mark.parametrize("pattern", SLICES)
@pytest.mark.parametrize("told", ["tr", "n_slices", "both"])
def test_slice_markers_collapse_to_the_first_of_each_volume(pattern, told):
    true, offsets = series(40), SLICES[pattern]
    arguments = {"tr": TR, "n_slices": len(offsets)}
    if told != "both":
        arguments = {told: arguments[told]}
    volumes = find_volume_markers(make_raw(slice_markers(true, offsets)), **arguments)
    np.testing.assert_array_equal(volumes.samples, true)
    assert volumes.tr == TR
    report = volumes.report
    assert report.markers_per_volume == len(offsets)
    assert statuses(report) == {"kept": 40, "slice": 40 * (len(offsets) - 1)}
    expected = np.repeat(np.arange(40), len(offsets))
    np.testing.assert_array_equal(report.markers["volume"], expected)
    assert f"slice markers removed, {len(offsets)} per volume" in str(report)


def test_slices_and_volumes_are_ambiguous_without_tr():
    raw = make_raw(slice_markers(series(40), SLICES["even"]))
    with pytest.raises(
        MarkerError, match=r"0\.068? s apart.*slices.*Give tr|Give tr.*n_sl"
    ):
        find_volume_markers(raw)
    slow = make_raw(slice_markers(series(20, step=2500), np.arange(20) / 2))
    with pytest.raises(MarkerError, match="n_slices=20 if they mark slices"):
        find_volume_markers(slow, tr=10.0)
    volumes = find_volume_markers(slow, tr=10.0, n_slices=20)
    np.testing.assert_array_equal(volumes.samples, series(20, step=2500))


def test_very_short_repetition_times_are_possible_on_request():
    true = series(600, step=25)
    with pytest.raises(MarkerError, match="n_slices"):
        find_volume_markers(make_raw(true), tolerance=0.005)
    for arguments in ({"tr": 0.1}, {"n_slices": 1}):
        volumes = find_volume_markers(make_raw(true), tolerance=0.005, **arguments)
        np.testing.assert_array_equal(volumes.samples, true)


def test_a_wrong_number_of_slices_is_refused():
    raw = make_raw(slice_markers(series(40), SLICES["with a pause"]))
    with pytest.raises(MarkerError, match="have 30 markers, not n_slices=29"):
        find_volume_markers(raw, tr=TR, n_slices=29)
    with pytest.raises(MarkerError):
        find_volume_markers(raw, n_slices=29)
    with pytest.raises(MarkerError):
        find_volume_markers(raw, tr=TR, n_slices=1)


def test_slices_written_twice_late_lost_or_too_many():
    true = series(40)
    written = slice_markers(true, SLICES["with a pause"]).reshape(40, 30)
    written[8, 0] += 1
    more = [written[3, 7], written[4, 0] + 1, written[20, 29] + 40]
    lost = np.delete(written, [5 * 30 + 9])
    volumes = find_volume_markers(make_raw(np.sort(np.append(lost, more))), tr=TR)
    np.testing.assert_array_equal(volumes.samples, true)
    report = volumes.report
    assert report.samples("duplicate").tolist() == more[:2]
    assert report.moved["volume"].tolist() == [8]
    assert report.n_uneven == 2
    assert "more or fewer in 2 volumes" in str(report)


def test_slices_without_a_usual_number():
    lost = np.concatenate(
        [30 * np.arange(30) + 9, 30 * np.arange(15) + 19, 30 * np.arange(5) + 14]
    )
    written = np.delete(slice_markers(series(40), SLICES["even"]), lost)
    with pytest.raises(MarkerError, match=r"most volumes do not have 29.*27, 27, 27, 27"):
        find_volume_markers(make_raw(written), tr=TR)


@pytest.mark.parametrize("n", [2, 3])
def test_few_volumes_of_slices(n):
    raw = make_raw(slice_markers(series(n), SLICES["with a pause"]))
    volumes = find_volume_markers(raw, tr=TR, n_volumes=n)
    np.testing.assert_array_equal(volumes.samples, series(n))


def test_volumes_whose_first_slice_is_lost_are_missing():
    true = series(40)
    written = np.delete(slice_markers(true, SLICES["with a pause"]), 10 * 30)
    with pytest.raises(MarkerError, match="1 marker is missing .* volume 10, "):
        find_volume_markers(make_raw(written), tr=TR)
    volumes = find_volume_markers(make_raw(written), tr=TR, missing="fill")
    np.testing.assert_array_equal(volumes.samples, true)


def test_whole_volumes_of_slices_missing_and_restarts():
    true, offsets = series(40), SLICES["with a pause"]
    raw = make_raw(slice_markers(np.delete(true, [10, 11]), offsets))
    with pytest.raises(MarkerError, match="2 markers are missing .* volume 10 to 11, "):
        find_volume_markers(raw, tr=TR)
    volumes = find_volume_markers(raw, tr=TR, missing="fill")
    np.testing.assert_array_equal(volumes.samples, true)
    parts = broken([20, 30])
    raw = make_raw(slice_markers(np.concatenate(parts), offsets))
    with pytest.raises(MarkerError, match="2 segments"):
        find_volume_markers(raw, tr=TR)
    volumes = find_volume_markers(raw, tr=TR, segment=1)
    np.testing.assert_array_equal(volumes.samples, parts[1])
    assert statuses(volumes.report) == {"kept": 30, "slice": 870, "other segment": 600}


def test_a_beginning_that_cannot_be_told_is_an_error():
    written = slice_markers(series(40), SLICES["with a pause"])
    # A spurious shortly before the run, and a recording that began within a volume.
    with pytest.raises(MarkerError, match="the first volume has"):
        find_volume_markers(make_raw(np.append(written[0] - 180, written)), tr=TR)
    with pytest.raises(MarkerError, match="pause between slices"):
        find_volume_markers(make_raw(written[12:]), tr=TR)
    volumes = find_volume_markers(make_raw(written[12:-18]), tr=TR, n_slices=30)
    np.testing.assert_array_equal(volumes.samples, written[12:-18:30])


def test_a_last_volume_cut_short():
    written = slice_markers(series(40), SLICES["with a pause"])[:-9]
    with pytest.raises(MarkerError, match="the last volume has 21 slice markers"):
        find_volume_markers(make_raw(written), tr=TR)
    with pytest.raises(MarkerError, match="the last volume has 21 slice markers"):
        find_volume_markers(make_raw(written), tr=TR, n_volumes=40)
    volumes = find_volume_markers(make_raw(written), tr=TR, n_volumes=39, extra="drop_last")
    np.testing.assert_array_equal(volumes.samples, series(39))


@pytest.mark.parametrize("lost", [1, 15, 29])
def test_slices_that_begin_within_a_volume(lost):
    """Counted from the first marker, every volume would be too late."""
    evenly = (series(60)[:, None] + np.arange(30) * 0.07 * 250).ravel()
    with pytest.raises(MarkerError, match="the run lacks its first markers"):
        find_volume_markers(make_raw(evenly[lost:]), tr=TR, n_volumes=60)


# ---------------------------------------------------------------- number of volumes


def test_dummy_volumes_are_skipped():
    volumes = find_volume_markers(make_raw(series(30)), dummy_volumes=4, n_volumes=26)
    np.testing.assert_array_equal(volumes.samples, series(30)[4:])
    assert volumes.report.samples("dummy").tolist() == series(4).tolist()
    assert statuses(volumes.report) == {"dummy": 4, "kept": 26}
    assert "markers of dummy volumes skipped: 4" in str(volumes.report)
    with pytest.raises(MarkerError, match="dummy_volumes=30 skips all"):
        find_volume_markers(make_raw(series(30)), dummy_volumes=30)


def test_another_number_of_volumes_is_an_error_with_reasons():
    raw = make_raw(series(30))
    with pytest.raises(MarkerError, match=r"found 30 .*n_volumes=28.*dummy_volumes=2\)"):
        find_volume_markers(raw, n_volumes=28)
    with pytest.raises(MarkerError, match=r"found 30 .*n_volumes=32.*ended before"):
        find_volume_markers(raw, n_volumes=32, extra="drop_last")
    with pytest.raises(MarkerError, match=r"found 27 .*after 3 dummy .*dummy_volumes=5\)"):
        find_volume_markers(raw, n_volumes=25, dummy_volumes=3)


def test_markers_after_the_last_volume_are_dropped_when_asked():
    volumes = find_volume_markers(
        make_raw(series(30)), n_volumes=25, dummy_volumes=2, extra="drop_last"
    )
    np.testing.assert_array_equal(volumes.samples, series(30)[2:27])
    assert volumes.report.samples("extra").tolist() == series(30)[27:].tolist()


# ---------------------------------------------------------------- where markers are


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("R149", None),
        ("Response/R128", None),
        ("Response/R128", "R128"),
        ("Volume/V  1", None),
        ("Stimulus/S  1", "S1"),
        ("Stimulus/S  1", "Stimulus/S  1"),
    ],
)
def test_markers_are_found_under_their_names(written, asked, make_bold):
    raw = make_raw(series(30), marker=written)
    volumes = find_volume_markers(raw, asked)
    assert volumes.marker == written
    attached = attach_bold(volumes.annotate(raw), make_bold(30), marker=volumes.marker)
    assert len(Recording(attached, "01").bold) == 30


def test_one_marker_in_two_spellings(make_bold):
    true = series(30)
    spelled = ["Response/R128", "R128"] * 15
    volumes = find_volume_markers(raw := make_raw(true, marker=spelled))
    assert volumes.marker == "R128"
    annotated = volumes.annotate(raw)
    assert set(annotated.annotations.description) == {"R128"}
    attach_bold(annotated, make_bold(30), marker=volumes.marker)


def test_a_type_in_front_keeps_stimuli_and_responses_apart(make_bold):
    true = series(30)
    spelled = ["Stimulus/S  1"] * 30 + ["Response/S  1"] * 3
    raw = make_raw(np.append(true, [1100, 2222, 9999]), marker=spelled)
    volumes = find_volume_markers(raw, "Stimulus/S  1")
    np.testing.assert_array_equal(volumes.samples, true)
    assert volumes.report.n_found == 30
    annotated = volumes.annotate(raw)
    assert list(annotated.annotations.description).count("Response/S  1") == 3
    attach_bold(annotated, make_bold(30), marker=volumes.marker)


@pytest.mark.parametrize(
    ("samples", "marker", "said"),
    [
        ([], "R128", "no annotations"),
        ([700, 900], "tone", r"'tone' \(2\)"),
        ([700], "R128", r"only one marker 'R128', at 2.800 s .*'R128' \(1\)"),
        ([700, 700], "R128", "all 2 markers stand at 2.800 s"),
        ([700, 1225], "R128", "too few to measure.*Give tr"),
    ],
)
def test_too_few_markers_are_an_error(samples, marker, said):
    with pytest.raises(MarkerError, match=said):
        find_volume_markers(make_raw(samples, marker=marker))


def test_irregular_markers_are_an_error():
    samples = np.cumsum(np.random.default_rng(0).integers(200, 2000, 100))
    for tr in (TR, None):
        with pytest.raises(MarkerError, match="not regular|does not fit"):
            find_volume_markers(make_raw(samples), tr=tr)


@pytest.mark.parametrize("first_samp", [0, 12_345])
@pytest.mark.parametrize("asked", [{}, {"marker": 4}, {"stim_channel": "STI 014"}])
def test_markers_in_a_stimulus_channel(asked, first_samp, make_bold):
    true, stimuli = series(30), np.array([1100, 2222, 3001, 9999])
    raw = make_raw([500], marker="begin", n_times=20_000, first_samp=first_samp)
    raw = with_channels(raw, STI_014={4: true, 1: stimuli})
    volumes = find_volume_markers(raw, tr=TR, **asked)
    np.testing.assert_array_equal(volumes.samples, true)
    assert "code 4 in the channel 'STI 014'" in str(volumes.report)
    annotated = volumes.annotate(raw)
    recording = Recording(attach_bold(annotated, make_bold(30)), "01")
    np.testing.assert_array_equal(recording.marker_samples(), true)
    assert list(annotated.annotations.description).count("begin") == 1


def test_pulses_of_any_length_and_slices_in_a_stimulus_channel():
    true = series(30)
    pulses = np.concatenate([true + i for i in range(7)])
    raw = with_channels(make_raw([], n_times=20_000), STATUS={255: pulses})
    np.testing.assert_array_equal(find_volume_markers(raw).samples, true)
    slices = slice_markers(true, SLICES["even"])
    raw = with_channels(make_raw([], n_times=20_000), STATUS={255: slices, 3: [7, 70, 77]})
    np.testing.assert_array_equal(find_volume_markers(raw, n_slices=30).samples, true)


def test_annotations_come_before_stimulus_channels():
    raw = with_channels(make_raw(series(30)), STI={9: series(20, 1100)})
    np.testing.assert_array_equal(find_volume_markers(raw).samples, series(30))
    found = find_volume_markers(raw, stim_channel="STI").samples
    np.testing.assert_array_equal(found, series(20, 1100))


def test_the_same_events_in_two_channels_are_no_question():
    raw = make_raw([], n_times=20_000)
    same = with_channels(raw, DIN1={1: series(30)}, STI_014={7: series(30)})
    np.testing.assert_array_equal(find_volume_markers(same).samples, series(30))


def test_codes_that_leave_a_choice_are_an_error_that_lists_them():
    raw = make_raw([500], marker="begin", n_times=20_000)
    two = with_channels(raw, STI={4: series(30), 5: series(20, 1100)})
    with pytest.raises(
        MarkerError, match=r"2 of the codes .*4 in 'STI' \(30\), 5 .*\(20\)"
    ):
        find_volume_markers(two)
    none = with_channels(raw, STI={4: [100, 999, 5000], 5: [120, 3999, 9000]})
    with pytest.raises(MarkerError, match=r"none of the codes .* at tr=2\.1 s"):
        find_volume_markers(none, tr=TR)
    with pytest.raises(MarkerError, match=r"no events of code 6 .*4 in 'STI' \(3\)"):
        find_volume_markers(none, 6)
    with pytest.raises(MarkerError, match="no channel 'STI 101'; stimulus channels: STI"):
        find_volume_markers(two, stim_channel="STI 101")
    with pytest.raises(MarkerError, match="no stimulus channels"):
        find_volume_markers(raw, 4)
    with pytest.raises(ValueError, match="integer codes"):
        find_volume_markers(two, "R128", stim_channel="STI")
    with pytest.raises(MarkerError, match=r"no events .* Annotations: 'begin' \(1\)"):
        find_volume_markers(with_channels(raw, STI={}))
    with pytest.raises(MarkerError, match="only one event of code 3 in 'STI', at 2.000 s"):
        find_volume_markers(with_channels(raw, STI={3: [500]}))


# ---------------------------------------------------------------- recordings


@pytest.mark.parametrize("date", [None, DATE])
@pytest.mark.parametrize("first_samp", [0, 12_345])
@pytest.mark.parametrize("change", ["nothing", "crop", "resample", "crop and resample"])
def test_samples_count_from_the_first_of_the_data(change, first_samp, date, make_bold):
    true = series(30)
    raw = make_raw(true, first_samp=first_samp, date=date)
    sfreq = 250.0
    if "crop" in change:
        raw = raw.crop(tmin=2000 / 250)
        true = true[2:] - 2000
    if "resample" in change:
        sfreq = 200.0
        raw = raw.resample(sfreq, verbose="error")
    volumes = find_volume_markers(raw, tr=TR)
    # MNE rounds the beginning of resampled data to a sample.
    exact = change in ("nothing", "crop")
    off = volumes.samples - true / 250 * sfreq
    assert np.abs(off).max() <= (1e-6 if exact else 1)
    assert (np.diff(volumes.samples) == TR * sfreq).all()
    recording = Recording(attach_bold(volumes.annotate(raw), make_bold(len(true))), "01")
    np.testing.assert_array_equal(recording.marker_samples(), volumes.samples)


@pytest.mark.parametrize("date", [None, DATE])
@pytest.mark.parametrize("first_samp", [0, 12_345])
def test_annotate_replaces_the_markers_and_nothing_else(first_samp, date, make_bold):
    true = series(30)
    written = np.sort(np.append(np.delete(true, 12), [true[3], 1234]))
    raw = make_raw(written, first_samp=first_samp, date=date)
    begin = raw.first_time if date else 0.0
    others = mne.Annotations(
        [begin + 5, begin + 30],
        [0.0, 2.0],
        ["tone", "BAD_jump"],
        orig_time=date,
        extras=[{"pitch": 440}, {}],
    )
    markers = raw.annotations.copy()
    if date is None:
        markers.onset -= raw.first_time
    markers.extras = [{"value": i} for i in range(len(markers))]
    raw.set_annotations(markers + others)
    before = raw.annotations.copy()
    volumes = find_volume_markers(raw, tr=TR, missing="fill")
    annotated = volumes.annotate(raw)
    assert raw.annotations == before
    found = pd.DataFrame(
        {
            "sample": (annotated.annotations.onset - raw.first_time) * SFREQ,
            "name": annotated.annotations.description,
            "duration": annotated.annotations.duration,
            "extras": [dict(each) for each in annotated.annotations.extras],
        }
    )
    rest = found[found["name"] != "R128"].to_dict("list")
    np.testing.assert_allclose(rest["sample"], [1250, 7500])
    assert rest["duration"] == [0.0, 2.0]
    assert rest["extras"] == [{"pitch": 440}, {}]
    ours = found[found["name"] == "R128"]
    np.testing.assert_allclose(ours["sample"], true)
    assert ours["extras"].iloc[12] == {}
    assert all("value" in each for each in ours["extras"].drop(ours.index[12]))
    again = find_volume_markers(annotated, tr=TR)
    assert not again.report.corrected
    attach_bold(annotated, make_bold(30), marker=volumes.marker)


def test_annotate_refuses_another_recording():
    raw = make_raw(series(30))
    volumes = find_volume_markers(raw)
    for other in (
        raw.copy().crop(2.0),
        raw.copy().crop(0, 40.0),
        raw.copy().resample(200.0, verbose="error"),
    ):
        with pytest.raises(ValueError, match="is not what the markers were found in"):
            volumes.annotate(other)


def test_the_result_cannot_be_changed_by_accident():
    volumes = find_volume_markers(make_raw(series(30)))
    with pytest.raises(ValueError, match="read-only"):
        volumes.samples[0] = 3


# ---------------------------------------------------------------- arguments and the log


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tr": 0.0}, "tr must be positive"),
        ({"tr": np.nan}, "tr must be positive"),
        ({"n_volumes": 0}, "n_volumes must be positive"),
        ({"n_slices": -1}, "n_slices must be positive"),
        ({"tolerance": -0.1}, "tolerance must be positive"),
        ({"dummy_volumes": -1}, "dummy_volumes must not be negative"),
        ({"missing": "leave"}, "missing must be 'raise' or 'fill', got 'leave'"),
        ({"extra": "drop"}, "extra must be 'raise' or 'drop_last', got 'drop'"),
        ({"extra": "drop_last"}, "needs n_volumes"),
        ({"segment": "first"}, "a number or 'longest', got 'first'"),
    ],
)
def test_arguments_without_a_meaning_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        find_volume_markers(make_raw(series(30)), **arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tr": "2.1"}, "tr must be a number, got '2.1'"),
        ({"n_slices": 2.5}, "n_slices must be a whole number, got 2.5"),
        ({"dummy_volumes": 1.0}, "dummy_volumes must be a whole number, got 1.0"),
        ({"volumes_per_marker": True}, "volumes_per_marker must be a whole number"),
    ],
)
def test_what_is_no_number_is_refused(arguments, said):
    with pytest.raises(TypeError, match=said):
        find_volume_markers(make_raw(series(30)), **arguments)


def logged(caplog, samples, **arguments):
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="braindecode_bolt"):
        find_volume_markers(make_raw(samples), tr=TR, **arguments)
    (record,) = caplog.records
    return record.levelname, record.getMessage()


def test_corrections_are_logged(caplog):
    true = series(60)
    level, text = logged(caplog, np.sort(np.append(true, true[:3])))
    assert (level, "repeated markers removed: 3" in text) == ("INFO", True)
    level, text = logged(caplog, np.delete(true, 7), missing="fill")
    assert (level, "markers are missing" in text) == ("WARNING", True)
    level, text = logged(caplog, true + np.tile([0, 0, 1], 20))
    assert (level, "many markers are off the regular grid" in text) == ("WARNING", True)
    stepped = series(300) + 3 * (np.arange(300) >= 150)
    level, text = logged(caplog, stepped)
    assert (level, "the EEG may lack samples" in text) == ("WARNING", True)


def test_the_report_lists_every_marker():
    parts = broken([10, 60])
    run = parts[1].copy()
    run[20] += 2
    written = np.concatenate(
        [parts[0], np.delete(run, 40), run[50:53], [run[30] + 100, run[-1] + 999]]
    )
    report = find_volume_markers(
        make_raw(np.sort(written)),
        tr=TR,
        segment="longest",
        missing="fill",
        dummy_volumes=5,
        n_volumes=50,
        extra="drop_last",
    ).report
    assert statuses(report) == {
        "kept": 48,
        "moved": 1,
        "dummy": 5,
        "extra": 5,
        "duplicate": 3,
        "spurious": 2,
        "other segment": 10,
    }
    assert report.n_found == len(written) == len(report.markers)
    np.testing.assert_array_equal(report.markers["sample"], np.sort(written))
    assert report.filled.tolist() == [run[40]]
    kept = report.markers[report.markers["status"].isin(["kept", "moved"])]
    assert sorted([*kept["volume"], 35]) == list(range(50))
    assert report.markers.loc[report.markers["status"] == "spurious", "volume"].isna().all()
    assert len(str(report).splitlines()) == 8


# ---------------------------------------------------------------- any series


@st.composite
def spoiled_series(draw):
    """A true grid, and what an amplifier might have made of it."""
    n = draw(st.integers(20, 120))
    step = draw(st.integers(150, 800))
    true = draw(st.integers(3000, 9000)) + step * np.arange(n)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Of few markers, those that slip may by chance lie on a line of another slope.
    jitter = draw(st.sampled_from([0.0, 0.1, 0.25] if n >= 60 else [0.0, 0.1]))
    slip = rng.choice([-1, 0, 1], n, p=[jitter / 2, 1 - jitter, jitter / 2])
    doubled = rng.random(n) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    repeated = true[doubled] + rng.integers(0, 2, np.count_nonzero(doubled))
    # Off the grid by more than the tolerance, and no two of them a TR apart.
    n_spurious = draw(st.integers(0, 3))
    phases = rng.permutation(np.arange(20, step - 20, 20))[:n_spurious]
    spurious = true[0] + step * rng.integers(-4, n + 2, n_spurious) + phases
    written = np.concatenate([true + slip, repeated, spurious])
    return true, step / SFREQ, np.sort(written)


@settings(deadline=None, max_examples=150)
@given(spoiled_series(), st.booleans())
def test_the_true_grid_comes_back(spoiled, tell_tr):
    true, tr, written = spoiled
    volumes = find_volume_markers(make_raw(written), tr=tr if tell_tr else None)
    np.testing.assert_array_equal(volumes.samples, true)
    assert volumes.tr == pytest.approx(tr)
    assert volumes.report.n_found == len(written)
    assert np.isin(volumes.report.markers["sample"], written).all()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(20, 100),
    st.floats(0.35, 4.0),
    st.floats(100.0, 2000.0),
    st.floats(-4e-5, 4e-5),
    st.data(),
)
def test_a_grid_between_samples_comes_back(n, tr, sfreq, clock, data):
    exact = (3 + tr * (1 + clock) * np.arange(n)) * sfreq
    gone = data.draw(st.sets(st.integers(1, n - 2), max_size=n // 5))
    written = np.delete(np.rint(exact), sorted(gone))
    raw = make_raw(written.astype(int), sfreq)
    volumes = find_volume_markers(raw, tr=tr, missing="fill")
    assert len(volumes) == n
    assert np.abs(volumes.samples - exact).max() <= 1.25
    assert len(volumes.report.filled) == len(gone)
    # At the end of a run, rounding and a marker a sample late look the same.
    kept = np.delete(volumes.samples, sorted(gone))
    assert np.abs(kept - written).max() <= 1


# ---------------------------------------------------------------- real runs


@pytest.fixture(scope="module")
def natview():
    file = DATA / "natview_triggers" / "r128_samples.csv"
    if not file.exists():
        pytest.skip(f"needs the NATVIEW markers in {file.parent}")
    table = pd.read_csv(file)
    return {run: rows["sample_at_250hz"].to_numpy() for run, rows in table.groupby("run")}


@pytest.mark.parametrize("tr", [TR, None])
def test_real_runs_become_the_true_series(natview, tr):
    assert len(natview) == 42
    corrected = {}
    for run, written in natview.items():
        volumes = find_volume_markers(make_raw(written), tr=tr)
        n_volumes = {
            "sub-07_ses-01_task-inscapes": 290,
            "sub-09_ses-01_task-dme_run-02": 289,
        }.get(run, 288)
        np.testing.assert_array_equal(volumes.samples, series(n_volumes, written[0]))
        assert volumes.tr == 2.1
        if volumes.report.corrected:
            corrected[run] = volumes.report
    assert {run: statuses(report) for run, report in corrected.items()} == {
        "sub-07_ses-01_task-inscapes": {"kept": 290, "duplicate": 290},
        "sub-09_ses-01_task-dme_run-02": {"kept": 288, "moved": 1},
        "sub-16_ses-02_task-rest": {"kept": 288, "duplicate": 262},
    }
    late = corrected["sub-09_ses-01_task-dme_run-02"]
    assert late.moved["late"].tolist() == [1]
    assert late.max_residual == 1
