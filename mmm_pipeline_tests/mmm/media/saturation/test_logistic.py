"""Logistic saturation: its formula, its derivatives, a certified plan, and a fit that finds a known truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mmm_pipeline.mmm import ModelSpec, SamplerSettings, sample
from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.media.saturation.logistic import LogisticSaturation
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline_tests.mmm.inference import plain_statement as plain
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

SATURATION = LogisticSaturation()
MEDIA = np.linspace(0.0, 6.0, 25)


def slowly(z: np.ndarray, rate: float) -> np.ndarray:
    """Straight from the formula."""
    return np.array([(1 - np.exp(-rate * x)) / (1 + np.exp(-rate * x)) for x in z])


def value(z: np.ndarray, rate: float) -> np.ndarray:
    return SATURATION.value(z, {"saturation_rate": np.array(rate)}, NUMPY)


@pytest.mark.parametrize("rate", [0.1, 1.0, 4.0])
def test_it_is_its_formula(rate):
    np.testing.assert_allclose(value(MEDIA, rate), slowly(MEDIA, rate), rtol=1e-12, atol=1e-15)


def test_it_starts_at_nothing_rises_ever_less_and_ends_at_its_ceiling():
    curve = value(MEDIA, 0.8)

    assert curve[0] == 0.0
    assert (np.diff(curve) > 0).all()
    assert (np.diff(curve, 2) < 0).all()
    assert value(np.array(1e6), 0.8) == SATURATION.ceiling
    assert value(np.array(np.log(3) / 0.8), 0.8) == pytest.approx(0.5)


@pytest.mark.parametrize("rate", [0.3, 2.0])
def test_derivatives_are_those_of_finite_differences(rate):
    step, z = 1e-4, MEDIA[1:]

    first, second = SATURATION.derivatives(z, {"saturation_rate": np.array(rate)})

    below, here, above = slowly(z - step, rate), slowly(z, rate), slowly(z + step, rate)
    np.testing.assert_allclose(first, (above - below) / (2 * step), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(second, (above - 2 * here + below) / step**2, rtol=1e-4, atol=1e-6)


def test_its_plan_is_proved_to_be_the_best_at_once():
    summary = plan_budget(synthetic_fit("geometric_logistic", channels=4)).summary.iloc[0]

    assert summary["optimality_gap"] <= 1e-4


def test_a_fit_with_geometric_adstock_finds_the_truth():
    data = plain.small_window(days=120, channels=1, seed=8)
    effect = slowly(plain.adstocked(data.media[0], np.array([0.5]))[:, 0], 1.5)
    noise = 0.02 * np.random.default_rng(2).standard_normal(data.days)
    data = dataclasses.replace(data, kpi=(0.6 + 0.7 * effect + noise)[None])
    settings = SamplerSettings(chains=2, warmup=300, draws=200, max_escalations=0)

    fit = sample(ModelSpec("geometric_logistic", 0, weekday=False), data, settings)

    for name, truth in (("retention", 0.5), ("saturation_rate", 1.5), ("media_coefficient", 0.7), ("noise_sd", 0.02)):
        low, high = np.quantile(fit.posterior[name], [0.005, 0.995])
        assert low <= truth <= high, name
    assert float(fit.posterior["retention"].std()) < 0.06  # a priori 0.24
