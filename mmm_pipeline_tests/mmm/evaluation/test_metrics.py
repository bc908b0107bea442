"""Errors of forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from mmm_pipeline.mmm.evaluation.metrics import absolute_percentage_errors, coverage, crps, mape, rmse, wape

_KPI = st.floats(0.1, 1e6)


def test_mape_is_the_mean_share_of_error() -> None:
    assert mape(np.array([100.0, 200.0]), np.array([110.0, 160.0])) == pytest.approx((0.1 + 0.2) / 2)


def test_mape_leaves_days_without_kpi_out_and_wape_and_rmse_do_not() -> None:
    observed, forecast = np.array([100.0, 0.0]), np.array([110.0, 30.0])

    assert mape(observed, forecast) == pytest.approx(0.1)
    assert wape(observed, forecast) == pytest.approx(40 / 100)
    assert rmse(observed, forecast) == pytest.approx(np.sqrt((100 + 900) / 2))
    assert np.isnan(absolute_percentage_errors(observed, forecast)).tolist() == [False, True]


def test_percentage_errors_of_an_all_zero_kpi_do_not_exist() -> None:
    assert np.isnan(mape(np.zeros(3), np.ones(3)))
    assert np.isnan(wape(np.zeros(3), np.ones(3)))


def test_crps_of_normal_draws_approaches_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    y, mean, sd = 1.3, 0.5, 2.0
    z = (y - mean) / sd
    exact = sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))

    assert crps(np.array([y]), rng.normal(mean, sd, (200_000, 1))) == pytest.approx(exact, rel=0.01)


@given(hnp.arrays(float, (6, 3), elements=_KPI), hnp.arrays(float, 3, elements=_KPI))
def test_crps_is_the_mean_distance_to_the_draws_less_half_their_own(draws: np.ndarray, observed: np.ndarray) -> None:
    distance = np.abs(draws - observed).mean()
    spread = np.abs(draws[:, None] - draws[None, :]).mean()

    assert crps(observed, draws) == pytest.approx(distance - spread / 2, rel=1e-9, abs=1e-6)


@given(hnp.arrays(float, 5, elements=_KPI), hnp.arrays(float, 5, elements=_KPI))
def test_crps_of_a_single_draw_is_its_absolute_error(observed: np.ndarray, draw: np.ndarray) -> None:
    assert crps(observed, draw[None]) == pytest.approx(np.abs(observed - draw).mean())


def test_coverage_of_a_calibrated_forecast_is_nominal() -> None:
    rng = np.random.default_rng(1)
    observed, draws = rng.normal(size=4000), rng.normal(size=(1000, 4000))

    assert coverage(observed, draws, 0.5) == pytest.approx(0.5, abs=0.03)
    assert coverage(observed, draws, 0.9) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("forecast", [np.ones(2), np.ones((3, 1)), np.array([])])
def test_forecasts_of_another_length_are_refused(forecast: np.ndarray) -> None:
    with pytest.raises(ValueError, match="equally long"):
        mape(np.ones(3), forecast)
