import logging

import numpy as np
import pytest
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import GroupKFold

from braindecode_bolt.linear import GroupedRidge, GroupedSparseGroupLasso


def make_data(n=120, n_features=24, n_rois=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_features))
    X[:, 1::2] += 0.7 * X[:, ::2]  # Neighbours are alike, as lags are.
    weights = np.zeros((n_features, n_rois))
    weights[:4, 0], weights[8:10, 1], weights[20:, 2] = 1.0, -1.5, 0.5
    y = X @ weights + rng.standard_normal((n, n_rois)) + 5
    groups = np.repeat(np.arange(6), n // 6)
    return X, y, groups


@pytest.mark.parametrize("n", [120, 18], ids=["tall", "wide"])
def test_ridge_equals_that_of_scikit_learn(n):
    """Penalty by region, weights and intercept, in both forms of the solution."""
    X, y, groups = make_data(n)
    alphas = np.logspace(-1, 3, 9)
    ours = GroupedRidge(alphas).fit(X, y, groups)
    errors = np.zeros((len(alphas), 3))
    for train, test in GroupKFold(5).split(X, y, groups):
        for number, alpha in enumerate(alphas):
            theirs = Ridge(alpha).fit(X[train], y[train])
            errors[number] += ((theirs.predict(X[test]) - y[test]) ** 2).sum(axis=0) / n
    np.testing.assert_allclose(ours.cv_mse_[::-1], errors, rtol=1e-3)
    np.testing.assert_allclose(ours.penalty_, alphas[errors.argmin(axis=0)])
    theirs = Ridge(ours.penalty_).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-2, atol=1e-4)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-3, atol=1e-3)


def test_each_region_has_its_own_penalty():
    X, y, groups = make_data()
    y = np.column_stack([y[:, 0], np.random.default_rng(1).standard_normal(len(y))])
    ridge = GroupedRidge().fit(X, y, groups)
    assert ridge.penalty_[0] < 100 < 1e4 <= ridge.penalty_[1]


def objective(X, y, coef, penalty, l1_ratio, size):
    X, y = X - X.mean(axis=0), y - y.mean()
    norms = np.linalg.norm(coef.reshape(-1, size), axis=1).sum()
    penalised = l1_ratio * np.abs(coef).sum() + (1 - l1_ratio) * size**0.5 * norms
    return ((y - X @ coef) ** 2).mean() / 2 + penalty * penalised


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 0.5, 0.95])
@pytest.mark.parametrize("n", [120, 18], ids=["tall", "wide"])
def test_sparse_group_lasso_is_the_minimum(n, l1_ratio):
    """The same as a solver of convex programs finds."""
    cvxpy = pytest.importorskip("cvxpy")
    X, y, groups = make_data(n)
    ours = GroupedSparseGroupLasso(4, l1_ratio, tol=1e-6, max_iter=20_000)
    ours.fit(X, y, groups)
    centred, targets = X - X.mean(axis=0), y - y.mean(axis=0)
    for region, penalty in enumerate(ours.penalty_):
        w = cvxpy.Variable(X.shape[1])
        norms = sum(cvxpy.norm2(w[i : i + 4]) for i in range(0, X.shape[1], 4))
        loss = cvxpy.sum_squares(targets[:, region] - centred @ w) / (2 * n)
        penalised = l1_ratio * cvxpy.norm1(w) + (1 - l1_ratio) * 2 * norms
        cvxpy.Problem(cvxpy.Minimize(loss + penalty * penalised)).solve("CLARABEL")
        reached = objective(X, y[:, region], ours.coef_[region], penalty, l1_ratio, 4)
        least = objective(X, y[:, region], w.value, penalty, l1_ratio, 4)
        assert reached <= least * (1 + 1e-4)
        if n > X.shape[1]:
            np.testing.assert_allclose(ours.coef_[region], w.value, atol=5e-3)


def test_the_lasso_alone_equals_that_of_scikit_learn():
    X, y, groups = make_data()
    ours = GroupedSparseGroupLasso(1, 1.0, tol=1e-6, max_iter=20_000).fit(X, y, groups)
    for region, penalty in enumerate(ours.penalty_):
        theirs = Lasso(penalty, tol=1e-6).fit(X, y[:, region])
        np.testing.assert_allclose(ours.coef_[region], theirs.coef_, atol=2e-3)
        assert ours.intercept_[region] == pytest.approx(theirs.intercept_, abs=2e-3)


def test_groups_and_single_weights_are_zero():
    X, y, groups = make_data()
    model = GroupedSparseGroupLasso(4, 0.5).fit(X, y[:, :1], groups)
    used = np.abs(model.coef_.reshape(6, 4)).max(axis=1) > 0
    assert used[0] and used.sum() < 6
    assert (model.coef_ == 0).sum() > 4 * (~used).sum() or used.sum() == 1
    # From the largest penalty on all weights are zero.
    assert (GroupedSparseGroupLasso(4, n_penalties=1).fit(X, y).coef_ == 0).all()


def test_without_groups_contiguous_blocks_are_used():
    X, y, _ = make_data()
    stretches = np.repeat(np.arange(5), 24)
    without = GroupedRidge().fit(X, y).cv_mse_
    with_them = GroupedRidge().fit(X, y, stretches).cv_mse_
    np.testing.assert_allclose(without, with_them, rtol=1e-4)


def test_a_path_that_does_not_converge_is_reported(caplog):
    X, y, groups = make_data()
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        GroupedSparseGroupLasso(4, max_iter=2, tol=1e-9).fit(X, y, groups)
    assert "did not converge within 2 steps" in caplog.text


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (GroupedRidge([]), "alphas must be a list of positive numbers"),
        (GroupedRidge("1"), "alphas must be a list of positive numbers"),
        (GroupedRidge(2.0), "alphas must be a list of positive numbers"),
        (GroupedRidge([1.0, -1.0]), "alphas must be a list of positive numbers"),
        (GroupedSparseGroupLasso(5), "must divide the number of features, 24; got 5"),
        (GroupedSparseGroupLasso(4, l1_ratio=1.1), "l1_ratio == 1.1, must be <= 1"),
        (GroupedSparseGroupLasso(4, n_penalties=0), "n_penalties == 0, must be >= 1"),
        (GroupedSparseGroupLasso(4, min_ratio=1.0), "min_ratio == 1.0, must be < 1"),
    ],
)
def test_arguments_are_checked(model, message):
    X, y, groups = make_data()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, groups)


@pytest.mark.parametrize("model", [GroupedRidge(), GroupedSparseGroupLasso(4)])
def test_features_and_targets_are_checked(model):
    X, y, groups = make_data()
    for wrong, complaint in ((X + 0j, "real numbers"), (1e300 * X, "float32")):
        with pytest.raises((TypeError, ValueError), match=complaint):
            model.fit(wrong, y, groups)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X[:5], y, groups)
    with pytest.raises(ValueError, match="y must .* two dimensions, got shape .120,"):
        model.fit(X, y[:, 0], groups)
    broken = y.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match="y must be finite .* and 1 non-finite value"):
        model.fit(X, broken, groups)
