import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from braindecode_bolt._threads import few_threads
from braindecode_bolt.linear import GroupedRidge, SmoothReadout, moments, penalties


def blas_threads():
    found = {
        each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"
    }
    return max(found)


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() < 2:
            pytest.skip("BLAS of this machine has one thread.")
        yield


def test_small_matrices_get_one_thread_and_large_ones_all():
    with few_threads(100):
        assert blas_threads() == 1
    with few_threads(100_000):
        assert blas_threads() == 2
    with pytest.raises(ZeroDivisionError), few_threads():
        1 / 0  # noqa: B018
    assert blas_threads() == 2


@pytest.mark.parametrize(
    ("model", "module", "shape"),
    [(GroupedRidge(), penalties, (60, 8)), (SmoothReadout(), moments, (60, 2, 2, 2))],
    ids=["ridge", "Gaussian process"],
)
def test_fits_use_one_thread(model, module, shape, monkeypatch):
    rng, used, eigh = np.random.default_rng(0), [], module.eigh

    def counted(*args, **kwargs):
        used.append(blas_threads())
        return eigh(*args, **kwargs)

    monkeypatch.setattr(module, "eigh", counted)
    X = rng.standard_normal(shape)
    model.fit(X, X.reshape(len(X), -1)[:, :2] + rng.standard_normal((60, 2)))
    assert set(used) == {1}
    assert blas_threads() == 2
