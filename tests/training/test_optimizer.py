import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt import EEGRegressor, NeuroBOLT
from braindecode_bolt.training import RecordingBatches

from ..conftest import CH_NAMES, N_TIMES, TINY


def regressor(**kwargs):
    settings = {"max_epochs": 4, "verbose": 0, "lr": 1e-3}
    module = {f"module__{name}": value for name, value in TINY.items()}
    return EEGRegressor("NeuroBOLT", **{**settings, **module, **kwargs})


def test_parameter_groups_reach_the_optimizer(windows):
    net = regressor(max_epochs=1, optimizer__weight_decay=0.07, layer_decay=0.65)
    net.set_params(callbacks__lr_scheduler=None)
    net.fit(windows.X, windows.y)
    options = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in net.optimizer_.param_groups
        for parameter in group["params"]
    }
    named = dict(net.module_.named_parameters())
    assert len(options) == len(named)

    def of(name):
        return options[id(named[name])]

    assert of("final_layer.weight") == pytest.approx((1e-3, 0.07))
    assert of("final_layer.bias") == pytest.approx((1e-3, 0.0))
    assert of("spatiotemporal.cls_token") == pytest.approx((1e-3 * 0.65**2, 0.0))
    assert of("spatiotemporal.blocks.0.mlp.fc1.weight") == pytest.approx(
        (1e-3 * 0.65, 0.07)
    )


def test_users_can_choose_other_optimizers_and_groups(windows):
    net = regressor(max_epochs=1, optimizer__param_groups=[("final*", {"lr": 0.5})])
    net.set_params(callbacks__lr_scheduler=None)
    net.fit(windows.X, windows.y)
    assert [group["lr"] for group in net.optimizer_.param_groups] == [0.5, 1e-3]
    net = regressor(max_epochs=1, optimizer=torch.optim.SGD, optimizer__momentum=0.9)
    assert net.fit(windows.X, windows.y).optimizer_.defaults["momentum"] == 0.9


def test_adam_is_fused_unless_the_user_chose(windows):
    settings = {"max_epochs": 1, "train_split": None}
    net = regressor(**settings).fit(windows.X[:20], windows.y[:20])
    assert net.optimizer_.defaults["fused"]
    net = regressor(**settings, optimizer__foreach=True)
    net.fit(windows.X[:20], windows.y[:20])
    assert net.optimizer_.defaults["foreach"] and not net.optimizer_.defaults["fused"]


def test_published_groups_of_the_full_network():
    """Rates and decay of every parameter against the published rule."""
    model = NeuroBOLT(n_outputs=2, ch_names=CH_NAMES, n_times=N_TIMES, num_layers=3)
    seen = {}
    for group in model.parameter_groups(0.65):
        for name in group["names"]:
            assert name not in seen
            seen[name] = (group["lr_scale"], group["decay"])
    assert set(seen) == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        scale, decay = seen[name]
        parts = name.split(".")
        if parts[:2] == ["spatiotemporal", "blocks"]:
            expected = 0.65 ** (3 + 1 - (int(parts[2]) + 1))
        elif parts[0] == "spatiotemporal" and parts[1] in (
            "cls_token",
            "position_embedding",
            "patch_embed",
        ):
            expected = 0.65**4
        else:
            expected = 1.0
        assert scale == pytest.approx(expected), name
        table = parts[-1] in ("cls_token", "position_embedding", "temporal_embedding")
        assert decay == (parameter.ndim > 1 and not table), name


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 9), st.booleans()
)
def test_recording_batches_hold_every_window_once(recordings, batch_size, shuffle):
    recordings = np.array(recordings)
    sampler = RecordingBatches(recordings, batch_size, shuffle)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    together = [window for batch in batches for window in batch]
    assert sorted(together) == list(range(len(recordings)))
    assert shuffle or together == sorted(together)
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        assert len(np.unique(recordings[batch])) == 1
