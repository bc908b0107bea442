"""Incremental KPI of a plan, against the plain simulation of history, plan and the days after."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.response.response import (
    DAYS_AFTER_HORIZON,
    FIRST_SHARE,
    current_spend,
    horizon_responses,
    media_prices,
)
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_SPEND = np.array([3000.0, 0.7, 120.0])


def _simulated(fit: Fit, spend: np.ndarray, horizon: int, days_after: int) -> np.ndarray:
    """(S, C) KPI of media with the plan less KPI of media without it."""
    daily = spend / media_prices(fit) / horizon / fit.data.media_scale
    without = np.concatenate([fit.data.media[0], np.zeros((horizon + days_after, len(spend)))])
    planned = without.copy()
    planned[fit.data.days : fit.data.days + horizon] = daily
    parameters = fit.transform_parameters()
    effect = [fit.spec.transform.value(media, parameters, NUMPY) for media in (planned, without)]
    return (effect[0] - effect[1]).sum(axis=1) * fit.media_coefficients()[:, 0] * fit.data.kpi_scale


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
@pytest.mark.parametrize("horizon", [1, 5, 13, 28])
@pytest.mark.parametrize("count_after", [True, False])
def test_response_is_the_simulated_increment_of_every_draw(adstock: str, horizon: int, count_after: bool) -> None:
    fit = synthetic_fit(adstock, days=40)

    responses = horizon_responses(fit, horizon, count_after_horizon=count_after)

    increments = np.stack([r.draws(s) for r, s in zip(responses, _SPEND, strict=True)], axis=1)
    expected = _simulated(fit, _SPEND, horizon, DAYS_AFTER_HORIZON if count_after else 0)
    np.testing.assert_allclose(increments, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
@pytest.mark.parametrize("spend", _SPEND)
def test_points_are_posterior_means_with_exact_derivatives(adstock: str, spend: float) -> None:
    response = horizon_responses(synthetic_fit(adstock), 28)[0]
    step = spend * 1e-5

    points = response.at(np.array([spend - step, spend, spend + step]))

    middle = 1
    central = [(values[2] - values[0]) / (2 * step) for values in (points.value, points.slope, points.convex_value)]
    assert points.value[middle] == pytest.approx(response.draws(spend).mean(), rel=1e-10)
    assert points.slope[middle] == pytest.approx(central[0], rel=1e-6)
    assert points.slope[middle] == pytest.approx(response.slope_draws(spend).mean(), rel=1e-10)
    assert points.curvature[middle] == pytest.approx(central[1], rel=1e-5)
    assert points.convex_slope[middle] == pytest.approx(central[2], rel=1e-4, abs=1e-9)


def test_the_convex_part_of_a_hill_response_is_convex_and_the_rest_concave() -> None:
    response = horizon_responses(synthetic_fit("hill_adstock"), 28)[0]

    points = response.at(np.linspace(1.0, 5000.0, 200))

    assert points.convex_value.min() < points.convex_value.max()
    assert (np.diff(points.convex_slope) >= -1e-12).all()
    assert (np.diff(points.slope - points.convex_slope) <= 1e-12).all()


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_spending_nothing_brings_nothing(adstock: str) -> None:
    response = horizon_responses(synthetic_fit(adstock), 28)[0]

    assert not response.draws(0.0).any()
    assert response.at(np.array([0.0])).value[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_marginal_return_at_zero_spend_is_that_of_the_first_unit(adstock: str) -> None:
    response = horizon_responses(synthetic_fit(adstock), 28)[0]

    first = response.first_spend
    assert first * response.media_per_currency == pytest.approx(FIRST_SHARE)
    np.testing.assert_allclose(response.slope_draws(0.0), response.draws(first) / first)


def test_current_spend_is_that_of_the_last_horizon() -> None:
    fit = synthetic_fit(days=40)

    np.testing.assert_allclose(current_spend(fit, 28), fit.data.total_spend[12:].sum(axis=0))
    np.testing.assert_allclose(current_spend(fit, 80), fit.data.total_spend.sum(axis=0) * 2)
