"""A small brain with known series, and atlases of it."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

SHAPE, N_VOLUMES, TR = (12, 12, 12), 60, 2.1
AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
AFFINE[:3, 3] = -16.5
#: Four blocks in the inner part of the image, and what lies around them is 0.
BLOCKS = {
    "Thalamus": np.s_[2:5, 2:5, 2:10],
    "Heschl’s gyrus": np.s_[2:5, 7:10, 2:10],
    "Cuneus": np.s_[7:10, 2:5, 2:10],
    "Putamen": np.s_[7:10, 7:10, 2:10],
}
NAMES = list(BLOCKS)


def image(data, affine=AFFINE, tr=TR, unit="sec"):
    img = nib.Nifti1Image(data, affine)
    if data.ndim == 4:
        img.header.set_zooms((*img.header.get_zooms()[:3], tr))
        img.header.set_xyzt_units("mm", unit)
    return img


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.standard_normal((N_VOLUMES, 4)).cumsum(axis=0), columns=NAMES)


@pytest.fixture(scope="module")
def volumes(series):
    """Voxels of a brain of four blocks, the first one drifting."""
    rng = np.random.default_rng(1)
    data = np.zeros((*SHAPE, N_VOLUMES), np.float32)
    data[1:11, 1:11, 1:11] = 1000 + 0.2 * rng.standard_normal((10, 10, 10, N_VOLUMES))
    for name, block in BLOCKS.items():
        data[block] += series[name].to_numpy()
    data[BLOCKS["Thalamus"]] += 0.1 * np.arange(N_VOLUMES)
    return data


@pytest.fixture
def file(tmp_path, volumes):
    path = tmp_path / "sub-01_task-rest_desc-preproc_bold.nii.gz"
    image(volumes).to_filename(path)
    return path


@pytest.fixture(scope="module")
def labels():
    """Labels of the blocks, with numbers that leave gaps."""
    data = np.zeros(SHAPE, np.int16)
    for number, block in zip((2, 5, 7, 30), BLOCKS.values(), strict=True):
        data[block] = number
    return image(data)


@pytest.fixture(scope="module")
def maps():
    """Weights around the blocks that overlap, as those of DiFuMo do."""
    x = np.indices(SHAPE).reshape(3, -1).T
    data = np.zeros((*SHAPE, 4), np.float32)
    for i, block in enumerate(BLOCKS.values()):
        centre = [(s.start + s.stop - 1) / 2 for s in block]
        distance = ((x - centre) ** 2).sum(axis=1)
        data[..., i] = np.exp(-distance / 20).reshape(SHAPE)
    data[data < 0.05] = 0
    return image(data)


@pytest.fixture(scope="module")
def motion():
    return np.random.default_rng(2).standard_normal((N_VOLUMES, 6)).cumsum(axis=0)


def cleaned(values, confounds=None):
    """Regress out and standardise, in plain numpy."""
    n = len(values)
    design = np.column_stack([np.ones(n), np.arange(n)])
    if confounds is not None:
        design = np.column_stack([design, confounds])
    rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return rest / rest.std(axis=0, ddof=1)


def means(volumes):
    return np.column_stack(
        [volumes[b].mean(axis=(0, 1, 2), dtype=float) for b in BLOCKS.values()]
    )


def weighted(volumes, maps):
    weights = maps.get_fdata().reshape(-1, maps.shape[3])
    voxels = volumes.reshape(-1, volumes.shape[3]).astype(float)
    return np.linalg.lstsq(weights, voxels, rcond=None)[0].T
