"""Collinearity and lagged correlation, held against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.mmm.eda.relations import correlations, lagged_correlations, variance_inflation


def _series(seed: int, days: int = 60, columns: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(days, columns)) @ rng.normal(size=(columns, columns)) + 5


def test_correlations_are_numpys_where_columns_vary() -> None:
    series = _series(0)
    np.testing.assert_allclose(correlations(series), np.corrcoef(series.T), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.floats(1e-4, 1e6))
def test_variance_inflation_does_not_depend_on_the_unit(seed: int, factor: float) -> None:
    series = _series(seed)
    scaled = series * np.array([factor, 1.0, 1.0])
    np.testing.assert_allclose(variance_inflation(scaled), variance_inflation(series), rtol=1e-6)


def test_variance_inflation_is_the_diagonal_of_the_inverse_correlation() -> None:
    series = _series(4)
    np.testing.assert_allclose(variance_inflation(series), np.diag(np.linalg.inv(np.corrcoef(series.T))), rtol=1e-9)


def test_constant_column_is_undefined_and_leaves_the_others_alone() -> None:
    series = _series(1)
    with_constant = np.column_stack([series, np.full(60, 7.0)])
    np.testing.assert_allclose(variance_inflation(with_constant)[:3], variance_inflation(series))
    assert np.isnan(variance_inflation(with_constant)[3])
    assert np.isnan(correlations(with_constant)[3]).all()


def test_only_the_columns_of_a_linear_combination_are_infinite() -> None:
    series = _series(2)
    copied = np.column_stack([series, 2 * series[:, 0] - 1])
    assert np.isinf(variance_inflation(copied)).tolist() == [True, False, False, True]


def test_lagged_correlation_pairs_todays_kpi_with_earlier_media() -> None:
    media = _series(3, columns=2)
    kpi = np.random.default_rng(9).normal(size=60)
    table = lagged_correlations(media, kpi, 5)
    assert table[3, 1] == pytest.approx(np.corrcoef(media[:-3, 1], kpi[3:])[0, 1])


def test_lags_longer_than_the_series_are_undefined() -> None:
    table = lagged_correlations(_series(3, days=6), np.arange(6.0), 14)
    assert np.isfinite(table[:4]).all()
    assert np.isnan(table[4:]).all()
