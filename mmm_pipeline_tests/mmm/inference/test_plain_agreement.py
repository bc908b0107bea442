"""The reformulated sampler draws from the posterior and the prior of the plain NumPyro model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.plain_agreement import deviations, limit, prior_agreement, simulated
from benchmarks.plain_model import plain_posterior
from mmm_pipeline.mmm import Priors, SamplerSettings, sample

SAMPLER = SamplerSettings(chains=2, warmup=300, draws=500, max_escalations=0)


@pytest.fixture(scope="module")
def case():
    spec, data = simulated("adstock", days=24, channels=1, seed=3)
    spec = dataclasses.replace(spec, degrees=0, weekday=False)
    return spec, data, plain_posterior(spec, data, chains=1, warmup=300, draws=700, seed=1)[0]


def largest(reformulated, plain):
    compared = np.abs(list(deviations(reformulated, plain).values()))
    return compared.max(), limit(compared.size)


def test_posterior_is_that_of_the_plain_model_sampled_without_reformulation(case):
    spec, data, plain = case
    furthest, allowed = largest(sample(spec, data, SAMPLER).posterior, plain)
    assert furthest < allowed


def test_another_prior_would_be_noticed(case):
    spec, data, plain = case
    other = dataclasses.replace(spec, priors=Priors(media_scale=0.3))
    furthest, allowed = largest(sample(other, data, SAMPLER).posterior, plain)
    assert furthest > 2 * allowed


def test_prior_predictive_is_that_of_the_plain_model():
    spec, data = simulated("hill_adstock", days=20, channels=2, seed=4)
    agreement = prior_agreement(spec, data, draws=1500, seed=0)
    assert agreement["smallest_p"] > agreement["limit"]
