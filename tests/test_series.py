import numpy as np
import pytest

from braindecode_bolt._series import is_constant


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-6, 1.0, 1e6, 1e30, 1e300])
@pytest.mark.parametrize("offset", [0.0, 1.0, -40.0])
def test_constant_up_to_the_rounding_of_float32(scale, offset):
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, 200)
    table = scale * np.stack(
        [
            np.full(200, offset),
            # As a network gives it for the same window in other batches.
            offset * (1 + 1e-7 * noise),
            offset + 1e-4 * noise,
            offset + noise,
        ],
        axis=1,
    )
    assert is_constant(table).tolist() == [True, True, False, False]
    assert is_constant(table.T, axis=1).tolist() == [True, True, False, False]


@pytest.mark.parametrize("dtype", ["i2", "u1", "f4", "f8", "i8"])
def test_any_type_of_numbers(dtype):
    limits = np.iinfo(dtype) if dtype[0] in "iu" else np.finfo("f4")
    table = np.array([[limits.min, 7], [limits.max, 7]], dtype=dtype)
    assert is_constant(table).tolist() == [False, True]


def test_values_that_are_not_finite_are_not_constant():
    table = np.array([[np.nan, np.inf, np.nan], [np.nan, np.inf, 1.0]])
    assert not is_constant(table).any()


def test_one_value_is_constant_and_axes_may_be_several():
    assert is_constant(np.ones((1, 2))).all()
    assert is_constant(np.ones((2, 3, 4)), axis=(0, 2)).tolist() == [True] * 3
