import mne
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braindecode_bolt.eeg.channels import (
    ChannelNameError,
    channel_kind,
    match_channels,
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
        ("VEOGo", "auxiliary"),
        ("HEOGli", "auxiliary"),
        ("ECG_MRT", "auxiliary"),
        ("Resp.", "auxiliary"),
        ("Respiration", "auxiliary"),
        ("CW2", "auxiliary"),
        ("IO", "auxiliary"),
        ("LO1", "auxiliary"),
        ("EXG3", "auxiliary"),
        ("Status", "auxiliary"),
        ("DC01", "auxiliary"),
        ("SpO2", "auxiliary"),
        ("EarL", "reference"),
        ("Left Ear", "reference"),
        ("VREF", "reference"),
        ("A1+A2", "reference"),
        ("A1", "eeg"),
        ("M2", "eeg"),
        ("Iz", "eeg"),
        ("PPO1", "eeg"),
        ("EEG A2-A1", "reference"),
        ("M1-M2", "reference"),
        ("E17", "unknown"),
        ("Fz2", "unknown"),
    ],
)
def test_what_is_not_scalp_eeg_is_known_as_such(name, kind):
    assert channel_kind(name) == kind


def test_channels_are_matched_by_name_in_any_order_and_spelling():
    assert match_channels(["EEG Pz-REF", "FZ"], ["Fz", "Cz", "Pz"], "It") == [2, 0]
    with pytest.raises(ChannelNameError, match="It has no channel Oz, E17; it was made"):
        match_channels(["Oz", "Fz", "E17"], ["Fz", "Cz"], "It")
    with pytest.raises(ChannelNameError, match="several channels are named Fz"):
        match_channels(["Fz", "FZ."], ["Fz", "Cz"], "It")


def test_the_two_names_of_an_electrode_stand_for_each_other_where_one_is_missing(caplog):
    with caplog.at_level("INFO"):
        assert match_channels(["T3", "P8"], ["T7", "T6"], "The model") == [0, 1]
    assert "channel T3 is taken for T7" in caplog.text
    assert match_channels(["T3", "T7"], ["T7", "T3"], "It") == [1, 0], "exact names win"
    with pytest.raises(ChannelNameError, match="no channel T3"):
        match_channels(["T3", "T7"], ["T7", "Cz"], "It")


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
    for name in ("VEOGo", "EKG", "A2-A1"):
        with pytest.raises(ChannelNameError, match=f"{name} is not scalp EEG"):
            resolve_ch_names(None, ["Cz", name])


def test_no_electrode_of_the_templates_is_taken_for_something_else():
    for montage in ("colin27_1005", "easycap-M1", "biosemi64", "brainproducts-RNP-BA-128"):
        for name in mne.channels.make_standard_montage(montage).ch_names:
            assert channel_kind(name) in ("eeg", "unknown"), name
