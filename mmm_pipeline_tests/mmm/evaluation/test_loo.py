"""Leave-one-out accuracy and its reliability."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.evaluation.loo import psis_loo
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit


def _with_likelihood(fit: Fit, log_density: np.ndarray) -> Fit:
    """The fit with a pointwise log likelihood (chain, draw, time)."""
    likelihood = xr.Dataset({"kpi": (("chain", "draw", "time"), log_density)})
    return dataclasses.replace(fit, inference=az.InferenceData(posterior=fit.posterior, log_likelihood=likelihood))


def _normal_mean(days: np.ndarray, draws: int, seed: int = 0) -> np.ndarray:
    """(2, draws, T) log densities under the posterior of a Normal mean with known variance 1 and a flat prior."""
    mean = np.random.default_rng(seed).normal(days.mean(), 1 / np.sqrt(days.size), (2, draws))
    return -0.5 * (days - mean[:, :, None]) ** 2 - 0.5 * np.log(2 * np.pi)


def test_the_estimate_is_that_of_really_leaving_each_day_out() -> None:
    days = np.random.default_rng(3).normal(0, 1, 40)

    loo = psis_loo(_with_likelihood(synthetic_fit(days=40, draws=1000), _normal_mean(days, 1000)))

    # Without day i the posterior predictive is Normal(mean of the others, 1 + 1/39).
    others = (days.sum() - days) / 39
    variance = 1 + 1 / 39
    exact = (-0.5 * (days - others) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance)).sum()
    assert loo.status == "reliable"
    assert loo.elpd == pytest.approx(exact, abs=0.1)
    assert loo.days_above == 0
    assert 0 < loo.se < 10


def test_a_day_that_moves_the_posterior_on_its_own_makes_the_estimate_unreliable() -> None:
    days = np.random.default_rng(3).normal(0, 1, 40)
    density = _normal_mean(days, 1000)
    # The density of one day has a tail of the draws' own making.
    density[:, :, 7] = -np.random.default_rng(4).exponential(1.0, (2, 1000)) * 8

    loo = psis_loo(_with_likelihood(synthetic_fit(days=40, draws=1000), density))

    assert loo.status == "unreliable"
    assert loo.days_above == 1
    assert loo.pareto_k_max > 0.7


@pytest.mark.parametrize("broken", ["not converged", "no likelihood", "not finite"])
def test_what_cannot_be_believed_at_all_is_refused(broken: str) -> None:
    density = _normal_mean(np.zeros(40), 50)
    if broken == "not finite":
        density[0, 3, 5] = -np.inf
    fit = synthetic_fit(days=40, draws=50, converged=broken != "not converged")
    if broken != "no likelihood":
        fit = _with_likelihood(fit, density)

    loo = psis_loo(fit)

    assert loo.status == "refused"
    assert np.isnan(loo.elpd)
    assert loo.estimate is None
