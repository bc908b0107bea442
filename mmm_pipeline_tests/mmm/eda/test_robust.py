"""Robust statistics flag what is odd, and little of what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.mmm.eda.robust import robust_trend, unusual_periods, without_trend_and_weekday


def _weekdays(days: int) -> np.ndarray:
    return np.arange(days) % 7


@pytest.mark.parametrize("days", [60, 180, 720])
def test_normal_noise_rarely_has_unusual_periods(days: int) -> None:
    rng = np.random.default_rng(0)
    flagged = sum(len(unusual_periods(rng.normal(size=days), _weekdays(days)).positions) for _ in range(100))
    # The Normal share beyond three standard deviations is 0.0027; a short series estimates its spread less well.
    assert flagged / (100 * days) < 0.01


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-15, 1e15), shift=st.floats(-1e3, 1e3), size=st.floats(15.0, 1e3))
def test_one_wild_day_is_found_in_any_unit(seed: int, scale: float, shift: float, size: float) -> None:
    values = np.random.default_rng(seed).uniform(-1.0, 1.0, 120)
    values[50] += size
    found = unusual_periods(scale * (values + shift), _weekdays(120))
    assert found.positions.tolist() == [50]
    assert found.score[0] > 0


def test_expected_value_of_an_outlier_is_the_usual_one_of_its_weekday_and_time() -> None:
    days = np.arange(140)
    usual = 100 + days + 50.0 * (days % 7 == 5)
    values = usual + np.random.default_rng(1).uniform(-1.0, 1.0, 140)
    values[75] = 0.0
    assert unusual_periods(values, _weekdays(140)).expected == pytest.approx([usual[75]], abs=4)


@pytest.mark.parametrize("values", [np.zeros(60), np.full(60, 3.5), np.arange(5.0), np.zeros(0)])
def test_constant_or_short_series_have_no_unusual_periods(values: np.ndarray) -> None:
    assert len(unusual_periods(values, _weekdays(len(values))).positions) == 0


@pytest.mark.parametrize("slope", [-2.0, 0.0, 0.5])
def test_trend_interval_holds_the_slope(slope: float) -> None:
    values = slope * np.arange(200) + np.random.default_rng(3).normal(0, 5, 200)
    found, low, high = robust_trend(values)
    assert low <= found <= high
    assert low <= slope <= high


def test_trend_of_a_single_day_is_none() -> None:
    assert robust_trend(np.array([4.0])) == (0.0, 0.0, 0.0)


def test_residuals_are_free_of_line_and_weekday() -> None:
    days = np.arange(70)
    signal = np.random.default_rng(5).normal(size=70)
    clean = without_trend_and_weekday(signal[:, None], _weekdays(70))
    dressed = signal + 3 * days + np.array([5, 0, 0, 1, 0, 9, 7])[_weekdays(70)]
    np.testing.assert_allclose(without_trend_and_weekday(dressed[:, None], _weekdays(70)), clean, atol=1e-9)
