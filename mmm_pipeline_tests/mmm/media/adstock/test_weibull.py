"""Weibull adstock: its formula, its shapes, and a fit that finds a known truth."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest
from scipy import stats

from mmm_pipeline.mmm import ModelSpec, SamplerSettings, sample
from mmm_pipeline.mmm.media.adstock.weibull import WeibullAdstock
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

ADSTOCK = WeibullAdstock()


def slowly(media: np.ndarray, shape: float, scale: float) -> np.ndarray:
    """One channel, from the formula: the density of SciPy's Weibull at 1, 2, .. periods, made to add up to 1."""
    weights = [stats.weibull_min(shape, scale=scale).pdf(lag + 1) for lag in range(ADSTOCK.lags)]
    carried = [sum(weights[lag] * media[t - lag] for lag in range(ADSTOCK.lags) if t >= lag) for t in range(len(media))]
    return np.array(carried) / sum(weights)


def response(shape: float, scale: float) -> np.ndarray:
    """Effect of one unit of media over its lags."""
    pulse = np.zeros((ADSTOCK.lags, 1))
    pulse[0] = 1.0
    parameters = {"adstock_shape": np.array([shape]), "adstock_scale": np.array([scale])}
    return ADSTOCK.value(pulse, parameters, NUMPY)[:, 0]


@pytest.mark.parametrize(("shape", "scale"), [(0.4, 2.0), (1.0, 5.0), (2.5, 8.0), (6.0, 3.0)])
def test_it_is_the_weighted_mean_by_the_weibull_density(shape, scale):
    media = np.random.default_rng(0).gamma(1.0, 1.0, 40)
    parameters = {"adstock_shape": np.array([shape]), "adstock_scale": np.array([scale])}

    np.testing.assert_allclose(
        ADSTOCK.value(media[:, None], parameters, NUMPY)[:, 0], slowly(media, shape, scale), rtol=1e-9, atol=1e-14
    )


def test_the_effect_falls_from_the_start_up_to_shape_1_and_peaks_later_above():
    assert (np.diff(response(0.7, 4.0)) < 0).all()
    assert (np.diff(response(1.0, 4.0)) < 0).all()
    late = response(3.0, 8.0)
    assert late.argmax() == 6  # the mode of the density, 8 (2/3)^(1/3) = 7.0, is that of lag 6


def test_of_shape_1_the_effect_is_geometric():
    np.testing.assert_allclose(response(1.0, 4.0)[1:] / response(1.0, 4.0)[:-1], np.exp(-1 / 4.0), rtol=1e-12)


def test_a_unit_of_media_has_its_whole_effect_within_the_window():
    assert response(0.3, 20.0).sum() == pytest.approx(1.0)
    assert response(2.0, 1e-3)[0] == pytest.approx(1.0)


def test_extreme_parameters_have_finite_values_and_gradients():
    media = np.ones((30, 1))

    @jax.jit
    def total(shape, scale):
        return ADSTOCK.value(media, {"adstock_shape": shape, "adstock_scale": scale}, JAX)[-1].sum()

    with jax.enable_x64(True):
        for shape, scale in ((60.0, 0.05), (0.01, 300.0), (60.0, 300.0), (0.01, 0.05)):
            value, slopes = jax.value_and_grad(total, argnums=(0, 1))(np.array([shape]), np.array([scale]))
            assert value == pytest.approx(1.0)
            assert np.isfinite(slopes).all()


def test_retention_is_the_share_of_the_effect_after_its_own_period():
    parameters = {"adstock_shape": np.array([[1.0]]), "adstock_scale": np.array([[1 / np.log(2)]])}
    # Every period keeps a half: ω_0 is 1/2 up to what the window cuts off.
    assert ADSTOCK.retention(parameters) == pytest.approx(0.5, abs=1e-7)


def test_a_fit_with_hill_saturation_finds_the_truth():
    data = plain.small_window(days=120, channels=1, seed=8)
    carried = slowly(data.media[0, :, 0], 2.0, 4.0)
    effect = np.where(carried > 0, 1 / (1 + (np.maximum(carried, 1e-9) / 1.0) ** -1.5), 0.0)
    noise = 0.02 * np.random.default_rng(2).standard_normal(data.days)
    data = dataclasses.replace(data, kpi=(0.6 + 0.8 * effect + noise)[None])
    settings = SamplerSettings(chains=2, warmup=300, draws=200, max_escalations=0)

    fit = sample(ModelSpec("weibull_hill", 0, weekday=False), data, settings)

    for name, truth in (("adstock_shape", 2.0), ("adstock_scale", 4.0), ("noise_sd", 0.02)):
        low, high = np.quantile(fit.posterior[name], [0.005, 0.995])
        assert low <= truth <= high, name
    assert float(fit.posterior["adstock_scale"].std()) < 1.0  # a priori 2.7
    caused = fit.contributions().mean(("chain", "draw")).to_numpy()[:, 0] / data.kpi_scale
    assert np.corrcoef(caused, effect)[0, 1] > 0.98
