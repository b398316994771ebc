"""The one way from EEG and BOLD of a run to markers that carry the BOLD."""

import logging

import mne
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt import Recording, find_volume_markers
from braindecode_bolt.markers import MarkerError, MarkerOptions
from braindecode_bolt.recording import pair_bold

SFREQ, TR, N = 250.0, 2.0, 30
ONSETS = 5 + TR * np.arange(N)


@pytest.fixture
def raw(make_raw):
    return make_raw(N, TR, SFREQ, first=5.0, duration=80.0)


@pytest.fixture
def bold(make_bold):
    return make_bold(N)


def write(folder, kind, **columns):
    file = folder / f"sub-01_{kind}.tsv"
    pd.DataFrame(columns).to_csv(file, sep="\t", index=False, na_rep="n/a")
    return file


def onsets_of(paired):
    return Recording(paired, "01").marker_samples() / SFREQ


def without_markers(raw, *texts):
    onsets = 6.1 + np.arange(len(texts))
    return raw.copy().set_annotations(mne.Annotations(onsets, 0.0, list(texts)))


# ------------------------------------------------------------- two sources of markers


@pytest.mark.parametrize("kind", ["events", "volumes"])
@pytest.mark.parametrize("offset", [-5.0, 0.1])
def test_two_sources_that_disagree_are_an_error_with_the_offset(
    kind, offset, raw, bold, tmp_path
):
    table = write(tmp_path, kind, onset=ONSETS + offset, trial_type="R128")
    direction = "later" if offset > 0 else "earlier"
    with pytest.raises(MarkerError) as raised:
        pair_bold(raw, bold, table=table)
    message = str(raised.value)
    assert f"in the table the first is {abs(offset):.3f} s {direction}" in message
    assert f"sub-01_{kind}.tsv 30 from {5 + offset:.3f} s" in message
    assert "the EEG file (annotations 'R128') 30 from 5.000 s" in message
    assert "markers_from='eeg' or markers_from='table'" in message
    for believed, expected in (("eeg", ONSETS), ("table", ONSETS + offset)):
        paired = pair_bold(raw, bold, {"markers_from": believed}, table=table)
        np.testing.assert_allclose(onsets_of(paired), expected)
        assert list(paired.annotations.description).count("R128") == N


def test_another_number_of_markers_is_a_disagreement_as_well(raw, bold, tmp_path):
    table = write(tmp_path, "events", onset=ONSETS[:-2], trial_type="R128")
    with pytest.raises(MarkerError, match="events.tsv 28 .* begin at the same time"):
        pair_bold(raw, bold, table=table)


def test_sources_that_agree_are_no_question(raw, bold, tmp_path):
    table = write(tmp_path, "events", onset=np.repeat(ONSETS, 2), trial_type="R128")
    np.testing.assert_allclose(onsets_of(pair_bold(raw, bold, table=table)), ONSETS)


def test_a_source_that_is_named_must_be_there(raw, bold, tmp_path):
    table = write(tmp_path, "events", onset=[6.1], trial_type="tone")
    with pytest.raises(MarkerError, match="no table beside it gives the volumes"):
        pair_bold(raw, bold, {"markers_from": "table"}, table=table)
    alone = without_markers(raw, "tone")
    table = write(tmp_path, "volumes", onset=ONSETS)
    with pytest.raises(MarkerError, match="no volume markers"):
        pair_bold(alone, bold, {"markers_from": "eeg"}, table=table)
    np.testing.assert_allclose(onsets_of(pair_bold(alone, bold, table=table)), ONSETS)


def test_the_annotations_of_the_file_count_where_others_took_their_place(
    raw, bold, tmp_path
):
    """mne-bids puts events.tsv in the place of the file's annotations."""
    own = raw.annotations.copy()
    own.append(3.0, 0.0, "boundary")
    events = without_markers(raw, "tone")
    table = write(tmp_path, "events", onset=[6.1], trial_type="tone")
    paired = pair_bold(events, bold, table=table, file_annotations=own)
    np.testing.assert_allclose(onsets_of(paired), ONSETS)
    texts = list(paired.annotations.description)
    assert texts.count("tone") == texts.count("boundary") == 1
    table = write(tmp_path, "events", onset=ONSETS - 5, trial_type="R128")
    moved = raw.copy().set_annotations(mne.Annotations(ONSETS - 5, 0.0, "R128"))
    with pytest.raises(MarkerError, match=r"first is 5\.000 s earlier"):
        pair_bold(moved, bold, table=table, file_annotations=own)


# ------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "columns",
    [
        {"trial_type": "R128"},
        {"trial_type": "Response", "value": "R128"},
        {"trial_type": "Response", "value": "Response/R128"},
        {"trial_type": "R128", "value": np.arange(N)},
        {"trial_type": "n/a", "value": "R128"},
        {"type": "R128"},
        {"trial_type": "volume"},
    ],
)
def test_markers_are_found_in_any_column_of_events(columns, raw, bold, tmp_path):
    events = pd.DataFrame({"onset": ONSETS, "duration": "n/a", **columns})
    tone = pd.DataFrame({"onset": [6.1, np.nan], "trial_type": ["tone", "boundary"]})
    file = tmp_path / "sub-01_events.tsv"
    pd.concat([events, tone]).to_csv(file, sep="\t", index=False, na_rep="n/a")
    paired = pair_bold(without_markers(raw, "tone"), bold, table=file)
    np.testing.assert_allclose(onsets_of(paired), ONSETS)
    assert list(paired.annotations.description).count("tone") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: np.insert(x, 3, x[3])[:N], "volume 4 is at 11 s, volume 3 at 11 s"),
        (lambda x: x[::-1], r"onsets must ascend.*\(29 such places\)"),
        (lambda x: x[[0, 2, 1, *range(3, N)]], "volume 2 is at 7 s, volume 1 at 9 s"),
        (lambda x: x + 50, "17 volumes outside the EEG of 80.0 s, the first at 81 s"),
        (lambda x: np.where(x == 9, np.nan, x), r"onset of 1 volume .* row 4 \(nan\)"),
        (lambda x: x[:-1], "29 volume markers .* 30 rows of BOLD"),
        (lambda x: x[:0], "has no rows"),
    ],
)
def test_a_table_of_volumes_must_be_in_the_order_of_the_bold(
    change, said, raw, bold, tmp_path
):
    table = write(tmp_path, "volumes", onset=change(ONSETS))
    with pytest.raises(MarkerError, match=said):
        pair_bold(without_markers(raw, "tone"), bold, table=table)


def test_a_table_without_onsets_is_refused(raw, bold, tmp_path):
    with pytest.raises(MarkerError, match="column 'onset' of seconds.*found time"):
        pair_bold(raw, bold, table=write(tmp_path, "volumes", time=ONSETS))


def test_dummies_in_a_table_of_volumes(raw, make_bold, tmp_path):
    table = write(tmp_path, "volumes", onset=ONSETS)
    alone = without_markers(raw, "tone")
    paired = pair_bold(alone, make_bold(26), {"dummy_volumes": 4}, table=table)
    np.testing.assert_allclose(onsets_of(paired), ONSETS[4:])
    with pytest.raises(MarkerError, match=r"2 s apart, .* said to be 1\.5 s"):
        pair_bold(alone, make_bold(30), {"tr": 1.5}, table=table)


# ------------------------------------------------------------- repetition time


def test_who_says_which_repetition_time(raw, bold, caplog):
    said = {"the sidecar x.json": 2.0, "the image's header": 1.0, "a table": None}
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        paired = pair_bold(raw, bold, repetition_times=said)
    np.testing.assert_allclose(onsets_of(paired), ONSETS)
    assert "2 s by the sidecar x.json, 1 s by the image's header" in caplog.text
    with pytest.raises(MarkerError) as raised:
        pair_bold(raw, bold, repetition_times={"the image's header": 1.0})
    assert "the most frequent interval is 2 s" in str(raised.value)
    assert "The repetition time is 1 s by the image's header." in str(raised.value)
    pair_bold(raw, bold, {"tr": 2.0}, repetition_times={"the image's header": 1.0})


@pytest.mark.parametrize("extra", ["raise", "drop_last"])
def test_no_advice_that_halves_the_repetition_time(extra, make_raw, bold):
    """Ten slices in 2 s, and a header that says 1 s: not five slices in 1 s."""
    raw = make_raw(10 * N, 0.2, SFREQ, first=5.0, duration=80.0)
    said = {"the image's header": 1.0}
    with pytest.raises(MarkerError) as raised:
        pair_bold(raw, bold, {"extra": extra}, repetition_times=said)
    message = str(raised.value)
    assert "60 volumes (TR 1 s)" in message
    assert "2 times as many" in message
    assert "tr=2), with 10 markers per volume (n_slices=10)" in message
    assert "drop_last" not in message
    assert "1 s by the image's header" in message
    paired = pair_bold(raw, bold, {"tr": 2.0}, repetition_times=said)
    np.testing.assert_allclose(onsets_of(paired), ONSETS)


# ------------------------------------------------------------- options


def test_several_markers_make_one_series(make_raw, bold):
    names = ["Toggle/T  1_on", "Toggle/T  1_off"] * 15
    raw = make_raw(N, TR, SFREQ, first=5.0)
    raw.annotations.description = np.array(names)
    paired = pair_bold(raw, bold, {"marker": ["T 1_on", "T 1_off"]})
    np.testing.assert_allclose(onsets_of(paired), ONSETS)
    assert set(paired.annotations.description) == {"T 1_on"}


@pytest.mark.parametrize("every", [2, 3])
@pytest.mark.parametrize("tr", [TR, None])
def test_a_marker_every_few_volumes(every, tr, make_raw, make_bold):
    raw = make_raw(20, every * TR, SFREQ, first=5.0)
    options = {"volumes_per_marker": every, "tr": tr}
    whole = find_volume_markers(raw, **options)
    np.testing.assert_allclose(whole.samples, SFREQ * (5 + TR * np.arange(20 * every)))
    assert whole.tr == TR
    assert f"one marker per {every} volumes" in str(whole.report)
    # Of the volumes after the last marker only the BOLD knows.
    for n in (19 * every + 1, 20 * every):
        paired = pair_bold(raw, make_bold(n), options)
        np.testing.assert_allclose(onsets_of(paired), 5 + TR * np.arange(n))
    with pytest.raises(MarkerError, match=f"found {20 * every} volumes"):
        pair_bold(raw, make_bold(19 * every), options)
    with pytest.raises(MarkerError, match=f"volumes_per_marker={every}"):
        pair_bold(raw, make_bold(20 * every))
    raw.annotations.delete(7)
    with pytest.raises(MarkerError, match=f"1 marker is missing.* volume {7 * every}, "):
        find_volume_markers(raw, **options)
    filled = find_volume_markers(raw, **options, missing="fill")
    np.testing.assert_array_equal(filled.samples, whole.samples)


def test_scrubbed_bold_keeps_its_volumes(raw, bold):
    kept = bold.drop(index=[3, 4, 20])
    paired = Recording(pair_bold(raw, kept), "01")
    assert paired.bold.index.tolist() == kept.index.tolist()
    kept.attrs["n_volumes"] = N + 1
    with pytest.raises(MarkerError, match="found 30 volumes.*n_volumes=31"):
        pair_bold(raw, kept)


def test_options_without_a_meaning_are_refused(raw, bold):
    with pytest.raises(TypeError, match="no marker options trr; there are marker, tr"):
        pair_bold(raw, bold, {"trr": 2.0})
    with pytest.raises(ValueError, match="markers_from must be 'eeg' or 'table', got 'x'"):
        pair_bold(raw, bold, {"markers_from": "x"})
    with pytest.raises(ValueError, match="exclude each other"):
        pair_bold(raw, bold, {"n_slices": 3, "volumes_per_marker": 2})
    assert MarkerOptions.of({"tr": None, "missing": None}) == MarkerOptions()


@pytest.mark.parametrize("at_once", [10, 40])
def test_many_markers_at_one_time_are_no_repetition(at_once, raw):
    written = np.append(ONSETS, [ONSETS[3]] * (at_once - 1))
    raw.set_annotations(mne.Annotations(written, 0.0, "R128"))
    with pytest.raises(MarkerError, match=rf"{at_once} markers stand at 11\.000 s"):
        find_volume_markers(raw)


def test_numbered_markers_are_one_kind(raw, bold):
    raw.annotations.description = np.array([f"R128/{k}" for k in range(N)])
    paired = pair_bold(raw, bold)
    np.testing.assert_allclose(onsets_of(paired), ONSETS)
    assert set(paired.annotations.description) == {"R128"}


@pytest.mark.parametrize("kind", ["events", "volumes"])
def test_damaged_tables_give_typed_errors(kind, raw, bold, tmp_path):
    alone = without_markers(raw, "tone")
    file = write(tmp_path, kind, onset=ONSETS, trial_type="R128")
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] = rng.integers(0, 256)
        file.write_bytes(content)
        try:
            onsets = onsets_of(pair_bold(alone, bold, table=file))
        except MarkerError:
            refused += 1
        else:
            # One digit of an onset may have become another one.
            assert len(onsets) == N
            assert (np.diff(onsets) > 0).all()
    assert refused > 30


# ------------------------------------------------- EEG that covers a part of the fMRI


def cropped(raw, start, stop):
    return raw.copy().crop(start, stop).load_data()


@pytest.mark.parametrize("choice", ["drop", "exact"])
@pytest.mark.parametrize("dummies", [0, 2, 5])
def test_eeg_that_began_after_the_fmri_leaves_the_first_rows_out(
    choice, dummies, raw, bold, caplog
):
    late = cropped(raw, 5 + 3 * TR - 0.9, None)  # From the fourth marker on.
    bold = bold.iloc[dummies:].reset_index(drop=True)
    option = {"drop": "drop", "exact": "drop_first"}[choice]
    with caplog.at_level(logging.WARNING):
        paired = pair_bold(late, bold, {"uncovered": option, "dummy_volumes": dummies})
    recording = Recording(paired, "01")
    without = max(0, 3 - dummies)
    np.testing.assert_allclose(recording.bold, bold.iloc[without:])
    np.testing.assert_array_equal(recording.bold.index, bold.index[without:])
    first = 0.9 + TR * max(0, dummies - 3)
    np.testing.assert_allclose(
        onsets_of(paired), first + TR * np.arange(len(bold[without:]))
    )
    if without:
        assert "BOLD left out before the first marker: no EEG" in caplog.text


def test_eeg_that_ended_before_the_fmri_leaves_the_last_rows_out(raw, bold):
    early = cropped(raw, 0, 5 + (N - 4) * TR - 0.5)
    paired = pair_bold(early, bold, {"uncovered": "drop"})
    np.testing.assert_allclose(Recording(paired, "01").bold, bold.iloc[:-4])
    np.testing.assert_allclose(onsets_of(paired), ONSETS[:-4])


def test_rows_without_eeg_are_an_error_that_says_what_the_eeg_shows(raw, bold):
    late = cropped(raw, 5 + 3 * TR - 0.9, None)
    with pytest.raises(MarkerError) as raised:
        pair_bold(late, bold)
    message = str(raised.value)
    assert "begins 0.9 s before the first marker, less than one repetition" in message
    assert "uncovered='drop' leaves out the first rows of BOLD" in message


def test_both_ends_are_a_question(raw, bold):
    both = cropped(raw, 5 + 3 * TR - 0.9, 5 + (N - 1) * TR + 0.5)
    for options in ({}, {"uncovered": "drop"}):
        with pytest.raises(MarkerError, match="say which rows of BOLD have no EEG"):
            pair_bold(both, bold, options)
    first = Recording(pair_bold(both, bold, {"uncovered": "drop_first"}), "01").bold
    last = Recording(pair_bold(both, bold, {"uncovered": "drop_last"}), "01").bold
    assert (first.index[0], last.index[0], len(first), len(last)) == (3, 0, N - 3, N - 3)


@pytest.mark.parametrize("choice", ["drop", "drop_first", "drop_last"])
def test_markers_missing_from_eeg_that_was_there_are_an_error(choice, raw, bold):
    raw.annotations.delete([0, 1, 2])
    with pytest.raises(MarkerError, match="no rows of BOLD are left out"):
        pair_bold(raw, bold, {"uncovered": choice})


def test_the_part_between_joints_is_what_counts(raw, bold):
    raw.annotations.delete([0, 1, 2])
    raw.annotations.append(5 + 3 * TR - 0.9, 0.0, "EDGE boundary")
    paired = pair_bold(raw, bold, {"uncovered": "drop"})
    assert Recording(paired, "01").bold.index[0] == 3


def test_volumes_without_row_and_rows_without_eeg_go_together(raw, bold):
    late = cropped(raw, 5 + 3 * TR - 0.9, None)
    scrubbed = bold.drop([1, 7, 8])
    scrubbed.attrs["n_volumes"] = N
    paired = pair_bold(late, scrubbed, {"uncovered": "drop"})
    expected = scrubbed.loc[3:]
    np.testing.assert_allclose(Recording(paired, "01").bold, expected)
    np.testing.assert_array_equal(Recording(paired, "01").bold.index, expected.index)


def test_rows_of_the_volumes_found(raw, bold):
    late = cropped(raw, 5 + 3 * TR - 0.9, None)
    found = find_volume_markers(late, n_volumes=N, uncovered="drop")
    assert (found.rows, len(found)) == (slice(3, N), N - 3)
    assert "3 rows of BOLD left out before the first marker" in str(found.report)


def test_uncovered_is_one_of_its_values():
    with pytest.raises(ValueError, match="uncovered must be 'raise' or 'drop' or"):
        MarkerOptions(uncovered="yes")
