import pytest
from sklearn.base import clone

from braindecode_bolt import EEGRegressor
from braindecode_bolt.linear import LINEAR, LaggedBandPower
from braindecode_bolt.models import NETWORKS
from braindecode_bolt.training import (
    SIZES,
    estimator_names,
    make_estimator,
    network_arguments,
)


def test_every_model_is_made_by_its_name():
    assert estimator_names() == [*NETWORKS, *LINEAR]
    for name in estimator_names():
        arguments = {"max_epochs": 3} if name in NETWORKS else {}
        for spelling in (name, name.upper()):
            made = make_estimator(spelling, **arguments)
            assert clone(made).get_params().keys() == made.get_params().keys()
        if name in NETWORKS:
            assert made.module == name and made.max_epochs == 3
    assert isinstance(make_estimator("LaggedBandPower"), LaggedBandPower)


@pytest.mark.parametrize("name", NETWORKS)
def test_small_networks_fit_and_predict(name, windows):
    net = make_estimator(name, "small", max_epochs=1, verbose=0, random_state=0)
    # A closed-form head needs consecutive volumes.
    step = 8 if net.head == "linear" else 1
    net.fit(windows.X[::step], windows.y[::step])
    assert net.predict(windows.X[:3]).shape == (3, 2)
    small = sum(p.numel() for p in net.module_.parameters())
    whole = NETWORKS[name](2, ch_names=windows.ch_names, n_times=800)
    assert small < sum(p.numel() for p in whole.parameters())
    # Given arguments override those of the size.
    (key, _), *_ = SIZES["small"][name].items()
    assert make_estimator(name, "small", **{key: 7}).get_params()[key] == 7


def test_names_and_sizes_are_checked():
    with pytest.raises(ValueError, match="no network 'NeuroBLOT'.*Did you mean NeuroBOLT"):
        make_estimator("NeuroBLOT")
    with pytest.raises(ValueError, match="size must be one of small, published"):
        make_estimator("NeuroBOLT", "huge")
    with pytest.raises(ValueError, match="size must be one of small, published"):
        network_arguments("NeuroBOLT", "huge")
    with pytest.raises(TypeError, match="unexpected keyword argument 'lr'"):
        make_estimator("AlphaHRF", lr=0.1)
    assert make_estimator("AlphaHRF", segment_seconds=2.0).segment_seconds == 2.0


def test_a_linear_model_is_not_a_network(windows):
    with pytest.raises(ValueError, match=r"make_estimator\('LaggedBandPower'\)"):
        EEGRegressor("LaggedBandPower", verbose=0).fit(windows.X, windows.y)
