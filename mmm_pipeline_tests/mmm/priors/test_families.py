"""Each family of priors is stated once: its quantile and its NumPyro distribution say the same."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.special import log_ndtr

from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.families import Beta, Exponential, HalfNormal, LogNormal, Prior, TruncatedNormal, Uniform

EXPECTED = {
    Beta(2.0): stats.beta(2, 1),
    HalfNormal(1.5): stats.halfnorm(scale=1.5),
    Exponential(): stats.gamma(1.0),
    Uniform(0.5, 1.5): stats.uniform(0.5, 1.0),
    LogNormal(3.0, 0.8): stats.lognorm(0.8, scale=3.0),
    TruncatedNormal(1.0, 0.8): stats.truncnorm(-1.25, np.inf, loc=1.0, scale=0.8),
}
PRIORS = sorted({*EXPECTED, *(own.prior for t in MEDIA_TRANSFORMS.values() for own in t.parameters)}, key=repr)
U = np.linspace(-6, 6, 49)


def quantiles(prior: Prior, f=NUMPY) -> np.ndarray:
    return prior.quantile(U, log_ndtr(prior.tail * U), f)


@pytest.mark.parametrize("prior", EXPECTED, ids=lambda prior: prior.formula)
def test_a_quantile_is_that_of_scipy(prior):
    middle = np.abs(U) <= 4  # beyond it, Φ(u) keeps too few digits for the comparison
    expected = EXPECTED[prior].ppf(stats.norm.cdf(U))
    np.testing.assert_allclose(quantiles(prior)[middle], expected[middle], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.formula)
def test_the_distribution_has_that_quantile(prior):
    with jax.enable_x64(True):
        probability = prior.distribution().cdf(quantiles(prior))
    np.testing.assert_allclose(probability, stats.norm.cdf(U), rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.formula)
def test_quantiles_rise_within_the_support_in_both_libraries(prior):
    low, high = prior.support
    values = quantiles(prior)
    assert (np.diff(values) > 0).all()
    assert ((values >= low) & (values <= high)).all()
    with jax.enable_x64(True):
        np.testing.assert_allclose(quantiles(prior, JAX), values, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.formula)
def test_the_coordinate_of_a_value_is_the_one_that_it_came_from(prior):
    middle = np.abs(U) <= 5
    np.testing.assert_allclose(prior.coordinate(quantiles(prior))[middle], U[middle], rtol=1e-6, atol=1e-6)
    assert np.isfinite(prior.coordinate(np.array(prior.support[:1]))).all()
