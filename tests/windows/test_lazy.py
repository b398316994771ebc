import logging
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils import _safe_indexing, indexable

from braindecode_bolt import LazyWindows


@pytest.fixture(scope="module")
def array(windows):
    return np.asarray(windows.X)


def test_it_looks_like_an_array(windows, array):
    X = windows.X
    assert X.shape == array.shape and X.ndim == 3 and len(X) == len(array)
    assert X.dtype == array.dtype == np.float32
    assert X[0].dtype == np.float32
    np.testing.assert_allclose(array.mean(axis=-1), 0, atol=1e-4)


@settings(deadline=None)
@given(data=st.data())
def test_any_index_gives_what_numpy_gives(windows, array, data):
    X, n = windows.X, len(windows)
    index = data.draw(
        st.one_of(
            st.integers(-n, n - 1),
            st.slices(n),
            st.lists(st.integers(-n, n - 1), max_size=6),
            st.lists(st.integers(-n, n - 1), max_size=6).map(lambda i: np.array(i, int)),
            st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
        )
    )
    part = X[index]
    if isinstance(index, int):
        np.testing.assert_array_equal(part, array[index])
        return
    expected = array[np.array(index, int) if isinstance(index, list) else index]
    assert isinstance(part, LazyWindows)
    np.testing.assert_array_equal(np.asarray(part), expected)
    # Slicing a part again still knows where each window is from.
    np.testing.assert_array_equal(
        part.metadata["volume"],
        windows.metadata["volume"].to_numpy()[
            np.array(index, int) if isinstance(index, list) else index
        ],
    )


def test_scikit_learn_takes_parts_without_reading(windows):
    X, _ = indexable(windows.X, windows.y)
    part = _safe_indexing(X, np.array([3, 1]))
    assert isinstance(part, LazyWindows) and part.signals is windows.X.signals
    np.testing.assert_array_equal(part[0], windows.X[3])
    assert isinstance(windows.X[np.array([0, 1]), ...], LazyWindows)


@pytest.mark.parametrize(
    "key",
    [
        (0, 1),
        ([0, 1], slice(None), 0),
        (slice(None), 2),
        10**6,
        -(10**6),
        [0, 10**6],
        np.array([True]),
        True,
        1.5,
        "a",
        np.zeros((2, 2), int),
        None,
    ],
    ids=str,
)
def test_other_indices_are_errors(windows, key):
    with pytest.raises(IndexError):
        windows.X[key]


def test_batches_are_copies_even_of_read_only_recordings(windows):
    signals = [signal.copy() for signal in windows.X.signals]
    for signal in signals:
        signal.flags.writeable = False
    X = LazyWindows(signals, windows.metadata, windows.X.info)
    window = X[0]
    window += 1.0
    np.testing.assert_array_equal(X[0] + 1.0, window)
    with pytest.raises(ValueError, match="without a copy"):
        np.array(X, copy=False)


def test_it_can_be_pickled(windows):
    back = pickle.loads(pickle.dumps(windows.X[5:9]))
    np.testing.assert_array_equal(np.asarray(back), np.asarray(windows.X[5:9]))
    assert back.ch_names == windows.ch_names


def test_the_lag_goes_wherever_windows_go(windows, tmp_path):
    X = windows.X
    assert X.lag_seconds == 4.0
    parts = [
        X[3:5],
        X[[1, 2]],
        X[np.arange(len(X)) < 9],
        X[np.array([0, 1]), ...],
        pickle.loads(pickle.dumps(X[:4])),
        X.on_disk(tmp_path),
        X.with_signals(X.signals, X.metadata[:3]),
    ]
    assert [part.lag_seconds for part in parts] == [4.0] * len(parts)
    assert LazyWindows(X.signals, X.metadata, X.info).lag_seconds is None
    with pytest.raises(ValueError, match="lag_seconds must not be negative"):
        LazyWindows(X.signals, X.metadata, X.info, lag_seconds=-1.0)


def test_windows_with_other_recordings_keep_their_baseline(windows):
    X = LazyWindows(windows.X.signals, windows.metadata, windows.X.info, baseline=None)
    other = X.with_signals([signal + 1 for signal in X.signals], X.metadata)
    np.testing.assert_allclose(other[0], X[0] + 1, rtol=1e-5, atol=1e-4)


def test_a_recording_that_cannot_be_written_leaves_no_file(windows, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="could not be written.*" + tmp_path.name):
            windows.X.on_disk(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_large_array_is_announced(windows, caplog, monkeypatch):
    monkeypatch.setattr("braindecode_bolt.windows.lazy._ANNOUNCE", 1e5)
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        np.asarray(windows.X)
    assert "read into one array" in caplog.text


def test_arguments_are_checked(windows):
    with pytest.raises(ValueError, match="baseline must be"):
        LazyWindows(windows.X.signals, windows.metadata, windows.X.info, baseline="mean")
    metadata = windows.metadata.copy()
    metadata.loc[0, "stop"] += 1
    with pytest.raises(ValueError, match="must have one length"):
        LazyWindows(windows.X.signals, metadata, windows.X.info)


def test_what_only_arrays_have_is_explained(windows):
    with pytest.raises(AttributeError, match=r"no attribute 'var'.* numpy.asarray\(X\)"):
        windows.X.var(axis=-1)
    with pytest.raises(AttributeError, match=r"no attribute 'spectrum'\."):
        windows.X.spectrum  # noqa: B018
    np.testing.assert_allclose(np.var(windows.X), np.asarray(windows.X).var(), rtol=1e-5)
