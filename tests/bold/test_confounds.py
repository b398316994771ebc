"""Confounds from fMRIPrep, motion files and tables."""

import json
import logging
import re

import numpy as np
import pandas as pd
import pytest

from braindecode_bolt.bold import load_confounds

from ..damage import damaged

AXES = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
N_VOLUMES = 60
NAME = "sub-01_task-rest"


@pytest.fixture
def motion():
    values = np.random.default_rng(0).standard_normal((N_VOLUMES, 6)).cumsum(axis=0)
    return pd.DataFrame(values, columns=AXES)


@pytest.fixture
def fmriprep(tmp_path, motion):
    """Write the table of confounds as fMRIPrep names and fills it."""

    def write(name=NAME, suffix="timeseries", **more):
        table = motion.copy()
        for axis in AXES:
            table[f"{axis}_derivative1"] = table[axis].diff()
            table[f"{axis}_power2"] = table[axis] ** 2
            table[f"{axis}_derivative1_power2"] = table[axis].diff() ** 2
        rng = np.random.default_rng(1)
        for column in ("csf", "white_matter", "global_signal", "cosine00", "cosine01"):
            table[column] = rng.standard_normal(N_VOLUMES)
        table["framewise_displacement"] = motion.diff().abs().sum(axis=1, skipna=False)
        table["std_dvars"] = 1.0 + 0.1 * rng.random(N_VOLUMES)
        table = table.assign(**more)
        file = tmp_path / f"{name}_desc-confounds_{suffix}.tsv"
        table.to_csv(file, sep="\t", index=False, na_rep="n/a")
        file.with_suffix(".json").write_text(json.dumps({}))
        return tmp_path / f"{name}_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz"

    return write


@pytest.mark.parametrize("suffix", ["timeseries", "regressors"])
@pytest.mark.parametrize("given", ["image", "table"])
def test_six_motion_parameters_of_fmriprep(fmriprep, motion, suffix, given):
    image = fmriprep(suffix=suffix)
    source = image
    if given == "table":
        source = image.with_name(f"{NAME}_desc-confounds_{suffix}.tsv")
    confounds = load_confounds(source, N_VOLUMES)
    assert sorted(confounds) == sorted(AXES)
    np.testing.assert_allclose(confounds[AXES], motion - motion.mean(), atol=1e-12)
    assert list(confounds.index) == list(range(N_VOLUMES))
    assert confounds.index.name == "volume" and confounds.attrs["n_volumes"] == N_VOLUMES


@pytest.mark.parametrize(
    ("arguments", "n_columns"),
    [
        ({"motion": "full"}, 24),
        ({"strategy": ("motion", "high_pass", "wm_csf")}, 10),
        ({"strategy": ["global_signal"], "demean": False}, 1),
    ],
)
def test_any_strategy_of_nilearn(fmriprep, arguments, n_columns):
    from nilearn.interfaces import fmriprep as nilearn_fmriprep

    image = fmriprep()
    confounds = load_confounds(str(image), N_VOLUMES, **arguments)
    strategy = {"strategy": ("motion",), "motion": "basic"} | arguments
    expected, _ = nilearn_fmriprep.load_confounds(str(image), **strategy)
    assert confounds.shape == (N_VOLUMES, n_columns)
    np.testing.assert_array_equal(confounds[expected.columns], expected)


def test_volumes_that_nilearn_leaves_out_have_no_row(fmriprep, motion, caplog):
    spikes = {f"non_steady_state_outlier{i:02d}": np.eye(N_VOLUMES)[i] for i in range(2)}
    image = fmriprep(**spikes)
    confounds = load_confounds(image, N_VOLUMES)
    assert "leaves 2 of 60 volumes out" in caplog.text and ": 0, 1\n" in caplog.text
    assert list(confounds.index) == list(range(2, N_VOLUMES))
    kept = motion.iloc[2:]
    np.testing.assert_allclose(confounds[AXES], kept - kept.mean(), atol=1e-12)
    # Again, and by way of a file: the same.
    pd.testing.assert_frame_equal(load_confounds(confounds, N_VOLUMES), confounds)
    file = image.with_name("confounds.tsv")
    confounds.to_csv(file, sep="\t")
    again = load_confounds(file, N_VOLUMES)
    pd.testing.assert_frame_equal(again, confounds, rtol=1e-12)
    # A file does not say how many volumes there were.
    assert "n_volumes" not in load_confounds(file).attrs
    with pytest.raises(ValueError, match="confounds of 60 volumes, the image has 58"):
        load_confounds(confounds, N_VOLUMES - 2)


def test_scrubbed_volumes_have_no_row(fmriprep):
    displacement = np.full(N_VOLUMES, 0.1)
    displacement[30] = 3.0
    image = fmriprep(framewise_displacement=displacement)
    confounds = load_confounds(
        image, N_VOLUMES, strategy=("motion", "scrub"), motion="basic", scrub=0
    )
    assert set(range(N_VOLUMES)) - set(confounds.index) == {30}


def test_what_fmriprep_confounds_cannot_be(fmriprep, tmp_path, motion):
    with pytest.raises(ValueError, match="nilearn cannot load .*Could not find"):
        load_confounds(tmp_path / "sub-09_desc-preproc_bold.nii.gz")
    image = fmriprep()
    with pytest.raises(ValueError, match="Expected an image ..._desc-preproc_bold"):
        load_confounds(tmp_path / "sub-01_task-rest_bold.nii.gz")
    with pytest.raises(ValueError, match="confounds of 60 volumes, the image has 59"):
        load_confounds(image, 59)
    with pytest.raises(TypeError, match="strategy: arguments of nilearn's loader"):
        load_confounds(motion, strategy=("motion",))
    with pytest.raises(TypeError, match="not of fMRIPrep"):
        load_confounds(None, motion="full")


def test_a_strategy_without_confounds_is_an_error(fmriprep):
    aroma = fmriprep().with_name(f"{NAME}_desc-smoothAROMAnonaggr_bold.nii.gz")
    confounds = load_confounds(aroma, N_VOLUMES, strategy=("ica_aroma", "wm_csf"))
    assert sorted(confounds) == ["csf", "white_matter"]
    with pytest.raises(ValueError, match="leaves nothing to regress out"):
        load_confounds(aroma, N_VOLUMES, strategy=("ica_aroma",))


@pytest.mark.parametrize("ending", [".1D", ".par", ".txt"])
@pytest.mark.parametrize("turned", [False, True])
def test_motion_files(tmp_path, motion, ending, turned):
    lines = ["# 3dvolreg roll pitch yaw dS dL dP", "  # a comment"]
    values = motion.to_numpy().T if turned else motion.to_numpy()
    lines += ["  ".join(f"{v: .9f}" for v in row) + "  # row" for row in values]
    file = tmp_path / f"motion{ending}"
    file.write_text("\n".join([*lines, ""]))
    confounds = load_confounds(file, N_VOLUMES)
    np.testing.assert_allclose(confounds, motion, atol=1e-8)
    assert confounds.index.name == "volume"


def test_the_dfile_of_3dvolreg(tmp_path, motion):
    rms = np.random.default_rng(2).random((N_VOLUMES, 2))
    table = np.column_stack([np.arange(N_VOLUMES), motion, rms])
    np.savetxt(tmp_path / "dfile.r01.1D", table)
    confounds = load_confounds(str(tmp_path / "dfile.r01.1D"), N_VOLUMES)
    np.testing.assert_allclose(confounds, motion)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5 6\n", "holds 2 x 3 numbers; expected six motion parameters"),
        ("1 2 3 4 5 six\n", "motion.1D is not a motion file: .*six"),
        ("1 2 3 4 5 6\n1 2\n", "motion.1D is not a motion file"),
        ("# nothing\n", "holds .* numbers; expected six"),
    ],
)
def test_what_is_no_motion_file(tmp_path, text, message):
    (tmp_path / "motion.1D").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_confounds(tmp_path / "motion.1D")


@pytest.mark.parametrize("ending", [".tsv", ".csv"])
@pytest.mark.parametrize("header", [True, False])
def test_tables_in_files(tmp_path, motion, ending, header):
    file = tmp_path / f"confounds{ending}"
    motion.to_csv(file, sep="," if ending == ".csv" else "\t", index=False, header=header)
    confounds = load_confounds(file, N_VOLUMES)
    np.testing.assert_allclose(confounds, motion)
    assert list(confounds) == (AXES if header else [str(i) for i in range(6)])


@pytest.mark.parametrize("kind", ["frame", "array", "list", "series"])
def test_tables_in_memory(motion, kind):
    column = motion["trans_x"]
    source = {
        "frame": motion,
        "array": motion.to_numpy(),
        "list": column.to_list(),
        "series": column,
    }[kind]
    confounds = load_confounds(source, N_VOLUMES)
    expected = motion if kind in ("frame", "array") else motion[["trans_x"]]
    np.testing.assert_array_equal(confounds, expected)
    assert motion.index.name is None and not motion.attrs


def test_no_confounds():
    assert load_confounds(None, 60) is None


def test_nan_of_derivatives_are_filled_as_nilearn_does(motion, caplog):
    table = motion.assign(trans_x_derivative1=motion["trans_x"].diff())
    with caplog.at_level(logging.INFO):
        confounds = load_confounds(table)
    assert "NaN in the first row of trans_x_derivative1" in caplog.text
    filled = confounds["trans_x_derivative1"]
    assert filled[0] == filled[1] == table["trans_x_derivative1"][1]
    np.testing.assert_array_equal(confounds[AXES], motion)
    assert table["trans_x_derivative1"].isna()[0]
    table.loc[5, "rot_z"] = np.nan
    with pytest.raises(ValueError, match="1 non-finite value, .* volume 5, column 'rot_z'"):
        load_confounds(table)


def test_constant_columns_are_left_out(motion, caplog):
    with caplog.at_level(logging.INFO):
        confounds = load_confounds(motion.assign(dS=0.0, dL=2.5))
    assert list(confounds) == AXES
    assert "constant and left out: dS, dL" in caplog.text
    with pytest.raises(ValueError, match="all 2 columns are constant"):
        load_confounds(np.zeros((N_VOLUMES, 2)))


@pytest.mark.parametrize("n_volumes", [59, 61])
def test_rows_must_be_those_of_the_image(motion, n_volumes):
    with pytest.raises(ValueError, match=f"of 60 volumes, the image has {n_volumes}"):
        load_confounds(motion, n_volumes)


@pytest.mark.parametrize(
    "volumes",
    [range(1, 61), [*range(59), 58], range(59, -1, -1), np.arange(60) - 1, np.arange(60.0)],
)
def test_numbers_of_volumes_must_be_numbers_of_volumes(motion, volumes):
    table = motion.set_axis(pd.Index(list(volumes), name="volume"))
    with pytest.raises(ValueError, match="'volume' must hold ascending numbers of volumes"):
        load_confounds(table, N_VOLUMES)


def test_too_many_columns_leave_nothing(tmp_path):
    values = np.random.default_rng(0).standard_normal((20, 18))
    with pytest.raises(ValueError, match="18 columns for 20 volumes"):
        load_confounds(values)
    assert load_confounds(values[:, :17]).shape == (20, 17)


def test_what_is_no_table(tmp_path, motion):
    with pytest.raises(ValueError, match="must hold real numbers.*label"):
        load_confounds(motion.assign(label="a"))
    with pytest.raises(ValueError, match="confounds.mat is of no known kind"):
        load_confounds(tmp_path / "confounds.mat")
    for name in ("none.tsv", "none.1D", "sub-01_desc-confounds_timeseries.tsv"):
        with pytest.raises(FileNotFoundError):
            load_confounds(tmp_path / name)
    (tmp_path / "empty.tsv").write_text("")
    with pytest.raises(ValueError, match="empty.tsv is not a table"):
        load_confounds(tmp_path / "empty.tsv")
    (tmp_path / "header.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match="found 0 rows"):
        load_confounds(tmp_path / "header.csv")


def test_complex_numbers_and_names_twice_are_refused(motion):
    with pytest.raises(ValueError, match=r"real numbers.*trans_x \(complex128\)"):
        load_confounds(motion.assign(trans_x=1j * motion["trans_x"]))
    with pytest.raises(ValueError, match="names a column twice: a"):
        load_confounds(motion.set_axis(list("aabcde"), axis=1))


def test_the_row_numbers_of_pandas_are_no_confound(tmp_path, motion, caplog):
    caplog.set_level(logging.INFO)
    motion.to_csv(tmp_path / "confounds.csv")
    assert list(load_confounds(tmp_path / "confounds.csv")) == AXES
    assert "column 1 has no name, counts rows and is left out" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n1\t2\n3\n", "line 3 has 1 value, expected 2"),
        ("a\tb\n1\tx\n", "column 'b', line 2: 'x'"),
        ("a\ta\n1\t2\n", "names a column twice: a"),
        ("volume\ta\n3\t1\n2\t2\n", "'volume' must hold integers that ascend"),
    ],
)
def test_tables_that_would_be_misread(tmp_path, text, message):
    (tmp_path / "confounds.tsv").write_text(text)
    with pytest.raises(ValueError, match=f"confounds.tsv.*{message}"):
        load_confounds(tmp_path / "confounds.tsv")


def fuzz(file, content, seeds):
    """Damage a file of confounds and read it; count what came of it."""
    counts = {"refused": 0, "read": 0}
    # nilearn centres the columns and chooses among them.
    as_they_are = "desc-confounds" not in file.name
    for seed in seeds:
        file.write_bytes(damaged(content, seed))
        try:
            found = load_confounds(file, N_VOLUMES).to_numpy()
        except ValueError as error:
            stem = file.name.split("_desc-")[0]
            assert stem in str(error), f"seed {seed}: {error}"
            counts["refused"] += 1
            continue
        counts["read"] += 1
        assert len(found) == N_VOLUMES and np.isfinite(found).all()
        if as_they_are:
            lines = re.split("[\r\n]+", file.read_text("utf-8-sig"))
            rows = [re.split("#|//", line)[0].split() for line in lines]
            rows = [row for row in rows if row][-N_VOLUMES:]
            values = np.array([[float(cell) for cell in row] for row in rows])
            np.testing.assert_array_equal(found, values, f"seed {seed}")
    return counts


@pytest.mark.parametrize("kind", ["table", "motion", "fmriprep"])
def test_damaged_files_are_refused_or_read_as_they_are(tmp_path, motion, fmriprep, kind):
    if kind == "table":
        file = tmp_path / "confounds.tsv"
        motion.to_csv(file, sep="\t", index=False)
    elif kind == "motion":
        file = tmp_path / "motion.1D"
        np.savetxt(file, motion, header="3dvolreg", fmt="% .9f")
    else:
        file = fmriprep().with_name(f"{NAME}_desc-confounds_timeseries.tsv")
    counts = fuzz(file, file.read_bytes(), range(150))
    assert counts["refused"] > 60 and counts["read"] > 15
