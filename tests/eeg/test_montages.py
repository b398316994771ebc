"""Electrodes of dense nets: never taken for 10-20 sites, and named by their positions."""

import logging

import mne
import numpy as np
import pytest

from braindecode_bolt import EEGRegressor, NeuroBOLT, create_bold_windows, prepare_eeg
from braindecode_bolt.eeg import (
    ChannelNameError,
    common_channels,
    electrode_sites,
    match_channels,
)

BIOSEMI = mne.channels.make_standard_montage("biosemi128").ch_names
#: Given by BioSemi for its net of 128.
KNOWN = {
    "A1": "Cz",
    "A19": "Pz",
    "A23": "Oz",
    "C21": "Fz",
    "C17": "Fpz",
    "D23": "T7",
    "B26": "T8",
}


def silent(ch_names, montage=None):
    data = np.zeros((len(ch_names), 10))
    raw = mne.io.RawArray(data, mne.create_info(ch_names, 200.0, "eeg"), verbose="error")
    return raw if montage is None else raw.set_montage(montage, verbose="error")


WAYS = {
    "all": lambda r: prepare_eeg(r),
    "named": lambda r: prepare_eeg(r, channels=["A1", "C3"]),
    "reference": lambda r: prepare_eeg(r, reference=["A1", "A2"]),
    "common": lambda r: common_channels([r, r]),
    "a model": lambda r: NeuroBOLT(1, ch_names=r.raw.ch_names, n_times=800),
    "a model's chs_info": lambda r: NeuroBOLT(
        1, chs_info=r.raw.info["chs"], n_times=800, unknown_channels="drop"
    ),
    "a model by name": lambda r: EEGRegressor("NeuroBOLT", max_epochs=1).fit(
        create_bold_windows([r], 4.0).X, create_bold_windows([r], 4.0).y
    ),
    "windows for a model": lambda r: match_channels(r.raw.ch_names, ["A1", "C3"], "It"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_names_of_a_net_are_not_taken_for_sites(make_recording, way):
    recording = make_recording(ch_names=BIOSEMI[::8], first=5.0)
    with pytest.raises(ChannelNameError, match="names of a dense net.*biosemi128"):
        WAYS[way](recording)


@pytest.mark.parametrize(
    "ch_names",
    [
        ["A1", "A2", "C3", "C4"],
        ["Fz", "Cz", "A1", "A2", "D1"],
        ["F3", "F4", "C3", "C4", "A1", "A2", "B1", "O1", "Fp1"],
        mne.channels.make_standard_montage("colin27_1005").ch_names,
    ],
)
def test_a_cap_with_ears_is_no_net(ch_names):
    kept = [name for name in ch_names if name not in ("D1", "B1")]
    assert match_channels(kept, kept, "It") == list(range(len(kept)))
    unknown = len(kept) < len(ch_names)
    if unknown:
        with pytest.raises(ChannelNameError, match="It has no channel"):
            match_channels(ch_names, kept, "It")


def test_electrodes_get_the_names_of_the_closest_sites(caplog):
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        sites = electrode_sites(silent(BIOSEMI), "biosemi128")
    assert sites.loc[list(KNOWN), "site"].to_dict() == KNOWN
    assert sites.index.tolist() == BIOSEMI
    named = sites.dropna()
    assert named["site"].is_unique
    assert (named["distance_mm"] <= 12).all() and len(named) > 120
    assert f"{len(named)} of 128 electrodes named by their positions" in caplog.text
    assert "left out for having no free site within 12 mm: D1" in caplog.text
    close = electrode_sites(silent(BIOSEMI), "biosemi128", max_distance_mm=5)
    assert close["distance_mm"].max() <= 5 and len(close.dropna()) < 80


@pytest.mark.parametrize("montage", ["biosemi64", "easycap-M1", "brainproducts-RNP-BA-128"])
def test_caps_of_known_names_get_their_own_names_back(montage):
    """By positions alone, from caps that MNE places independently of the template."""
    standard = mne.channels.make_standard_montage(montage)
    raw = silent(standard.ch_names, standard)
    raw.rename_channels({name: f"X{i}" for i, name in enumerate(standard.ch_names)})
    sites = electrode_sites(raw, "recorded")
    assert np.mean(sites["site"].to_numpy() == standard.ch_names) > 0.97


@pytest.mark.parametrize(
    "written", ["E{}", "E{:03d}", "EEG {:03d}", "{}", "e{}"], ids=lambda text: text
)
def test_names_of_egi_are_found_however_they_are_written(written):
    names = [written.format(i) for i in range(1, 129)]
    sites = electrode_sites(silent(names), "GSN-HydroCel-128")
    expected = electrode_sites(silent([f"E{i}" for i in range(1, 129)]), "GSN-HydroCel-128")
    assert sites["site"].tolist() == expected["site"].tolist()
    assert len(sites.dropna()) > 100


def test_the_last_electrode_of_egi_is_the_vertex():
    names = [f"E{i}" for i in range(1, 130)]
    assert electrode_sites(silent(names), "GSN-HydroCel-129").loc["E129", "site"] == "Cz"


def test_electrodes_named_after_sites_keep_their_names():
    names = [*mne.channels.make_standard_montage("easycap-M1").ch_names, "extra"]
    raw = silent(names, None)
    raw.rename_channels({"Fp1": "EEG FP1-REF"})
    raw.set_montage(mne.channels.make_standard_montage("easycap-M1"), on_missing="ignore")
    raw.info["chs"][-1]["loc"][:3] = raw.info["chs"][names.index("Cz")]["loc"][:3] + 1e-3
    sites = electrode_sites(raw, "recorded")
    assert sites.loc["EEG FP1-REF", "site"] == "Fp1"
    assert sites.loc["Cz", "site"] == "Cz" and sites.loc["extra", "site"] != "Cz"
    assert sites["site"].dropna().is_unique


def test_a_part_of_a_net_is_known_by_its_montage():
    """A1 and C3 could be an ear and a site, were it not for the montage."""
    sites = electrode_sites(silent(["A1", "C21"]), "biosemi128")["site"]
    assert sites.to_dict() == {"A1": "Cz", "C21": "Fz"}


def test_what_cannot_be_named_is_said(caplog):
    with pytest.raises(ValueError, match="no montage 'biosemi129'. Expected 'recorded'"):
        electrode_sites(silent(BIOSEMI), "biosemi129")
    with pytest.raises(ValueError, match="positive number of mm, got 0"):
        electrode_sites(silent(BIOSEMI), "biosemi128", 0)
    with pytest.raises(ChannelNameError, match="no position for 128 of 256 electrodes: E1"):
        names = mne.channels.make_standard_montage("biosemi256").ch_names
        electrode_sites(silent(names), "biosemi128")
    with pytest.raises(ChannelNameError, match="the file holds no positions"):
        electrode_sites(silent(BIOSEMI), "recorded")
    few = silent(BIOSEMI[:5], mne.channels.make_standard_montage("biosemi128"))
    with pytest.raises(ChannelNameError, match="5 electrodes have positions above"):
        electrode_sites(few, "recorded")
    raw = silent(BIOSEMI, mne.channels.make_standard_montage("biosemi128"))
    raw.info["chs"][7]["loc"][:3] = np.nan
    electrode_sites(raw, "recorded")
    assert "no position in the file for A8" in caplog.text


def test_eeg_of_a_net_is_prepared_under_the_names_of_sites(make_recording, caplog):
    recording = make_recording(ch_names=[*BIOSEMI, "EXG1", "Status"], first=5.0)
    before = recording.raw.copy()
    prepared = prepare_eeg(recording, montage="biosemi128").raw
    sites = electrode_sites(recording.raw, "biosemi128")["site"].dropna()
    assert prepared.ch_names == sites.tolist()
    data = recording.raw.get_data(sites.index.tolist())
    np.testing.assert_array_equal(prepared.get_data(), data)
    # At the places where the net has them, not at those of the sites.
    placed = silent(BIOSEMI, mne.channels.make_standard_montage("biosemi128"))
    expected = placed.info["chs"][BIOSEMI.index("A2")]["loc"][:3]
    found = prepared.info["chs"][prepared.ch_names.index(sites["A2"])]["loc"][:3]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert mne.utils.object_diff(recording.raw.info, before.info) == ""
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        chosen = prepare_eeg(
            recording, channels=["Fz", "Oz"], reference="Cz", montage="biosemi128"
        )
    assert "referenced to Cz" in caplog.text
    data = recording.raw.get_data(["C21", "A23"]) - recording.raw.get_data(["A1"])
    np.testing.assert_allclose(chosen.raw.get_data(), data, atol=1e-15)
    with pytest.raises(ChannelNameError, match="has no channel A1"):
        prepare_eeg(recording, channels=["A1"], montage="biosemi128")


def test_positions_in_the_file_do_as_well(make_recording, tmp_path):
    recording = make_recording(ch_names=BIOSEMI, first=5.0)
    recording.raw.set_montage("biosemi128")
    by_file = prepare_eeg(recording, montage="recorded", cache_dir=tmp_path).raw
    by_name = prepare_eeg(recording, montage="biosemi128", cache_dir=tmp_path).raw
    assert by_file.ch_names == by_name.ch_names
    np.testing.assert_allclose(
        [ch["loc"][:3] for ch in by_file.info["chs"]],
        [ch["loc"][:3] for ch in by_name.info["chs"]],
        atol=1e-6,
    )
    fewer = prepare_eeg(
        recording, montage="recorded", montage_distance_mm=6.0, cache_dir=tmp_path
    ).raw
    assert len(fewer.ch_names) < len(by_file.ch_names)


def test_recordings_of_two_nets_have_channels_in_common(make_recording):
    names = mne.channels.make_standard_montage("GSN-HydroCel-128").ch_names
    nets = [
        prepare_eeg(make_recording(ch_names=BIOSEMI, first=5.0), montage="biosemi128"),
        prepare_eeg(make_recording(ch_names=names, first=5.0), montage="GSN-HydroCel-128"),
    ]
    common = common_channels(nets)
    assert len(common) > 50
    rows = NeuroBOLT(
        1, ch_names=common, n_times=800, num_layers=1, unknown_channels="drop"
    ).inputs
    assert len(rows) > 30
    twice = [make_recording(ch_names=BIOSEMI, first=5.0)] * 2
    assert common_channels(twice, montage="biosemi128") == nets[0].raw.ch_names


def test_common_does_not_drop_what_all_recordings_have(make_recording, caplog):
    names = ["Fz", "Cz", "E17", "VEOGo", "HEOGli", "Resp", "EKG"]
    recordings = [make_recording(ch_names=names), make_recording(ch_names=names)]
    with pytest.raises(ChannelNameError, match=r"All 2 recordings: .* \(1\): E17"):
        common_channels(recordings)
    # One that only some have is left out, as any other electrode.
    recordings[0] = make_recording(ch_names=["Fz", "Cz", "X1"])
    assert common_channels(recordings) == ["Fz", "Cz"]
    with pytest.raises(ChannelNameError, match=r"10-05 system \(1\): E17. Give"):
        prepare_eeg(recordings[1])
