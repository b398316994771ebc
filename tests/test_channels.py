import pytest
from hypothesis import given
from hypothesis import strategies as st

from braindecode_bolt.channels import (
    ChannelNameError,
    channel_kind,
    labram_rows,
    normalize_channel_name,
    resolve_ch_names,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EEG Fp1-REF", "Fp1"),
        ("Fc5.", "FC5"),
        ("C3..", "C3"),
        ("FP1", "Fp1"),
        ("EEG O1-A2", "O1"),
        ("Cz-LE", "Cz"),
        ("EEG-Pz", "Pz"),
        ("  poz ", "POz"),
        ("T3", "T3"),
        ("T7", "T7"),
        ("FP1-F7", "FP1-F7"),
        ("TTP7h", "TTP7h"),
        ("A1-REF", "A1"),
        ("E17", "E17"),
    ],
)
def test_spellings_become_standard_names(name, expected):
    assert normalize_channel_name(name) == expected


@given(
    st.sampled_from(["Fp1", "FC5", "Cz", "POz", "T3", "TP10"]),
    st.sampled_from(["", "EEG ", "eeg-", "EEG:"]),
    st.sampled_from(["", ".", "..", "-REF", "-A1", " - LE"]),
    st.booleans(),
)
def test_any_decoration_leads_to_the_same_name(name, before, behind, upper):
    written = f"{before}{name.upper() if upper else name}{behind}"
    assert normalize_channel_name(written) == name


@given(st.text(max_size=12))
def test_normalising_twice_changes_nothing(name):
    once = normalize_channel_name(name)
    assert normalize_channel_name(once) == once


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("EEG Fp1", "eeg"),
        ("ECG ECG", "auxiliary"),
        ("EKG", "auxiliary"),
        ("CWL3", "auxiliary"),
        ("EOG1", "auxiliary"),
        ("VEOG", "auxiliary"),
        ("EMG-2", "auxiliary"),
        ("EEG A2-A1", "reference"),
        ("M1-M2", "reference"),
        ("E17", "unknown"),
        ("Fz2", "unknown"),
    ],
)
def test_what_is_not_scalp_eeg_is_known_as_such(name, kind):
    assert channel_kind(name) == kind


def test_labram_rows_count_from_the_cls_token():
    assert labram_rows(["FP1", "FPZ", "FP2"]) == [1, 2, 3]
    assert labram_rows(["T7"]) != labram_rows(["T3"])


def test_a_name_without_a_row_is_an_error_that_lists_it():
    with pytest.raises(ChannelNameError, match="no row for AFF1h, E17"):
        labram_rows(["Cz", "AFF1h", "E17"])


def test_chs_info_and_ch_names_must_agree():
    chs_info = [{"ch_name": "Cz"}, {"ch_name": "EEG Pz"}]
    assert resolve_ch_names(chs_info, None) == ["Cz", "Pz"]
    assert resolve_ch_names(chs_info, ["CZ", "PZ"]) == ["Cz", "Pz"]
    with pytest.raises(ChannelNameError, match="name different channels"):
        resolve_ch_names(chs_info, ["Pz", "Cz"])
    with pytest.raises(ChannelNameError, match="give ch_names"):
        resolve_ch_names(None, None)
    with pytest.raises(ChannelNameError, match="Cz"):
        resolve_ch_names(None, ["Cz", "CZ."])
