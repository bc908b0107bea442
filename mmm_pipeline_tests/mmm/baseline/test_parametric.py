"""A component whose prior scales depend on a sampled parameter takes its part in every density, fit and forecast."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import log_density
from scipy import integrate, stats

from mmm_pipeline.mmm.baseline import design
from mmm_pipeline.mmm.baseline.component import ParametricComponent
from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.baseline.registry import COMPONENTS
from mmm_pipeline.mmm.fit.sampler import sample
from mmm_pipeline.mmm.inference.collapsed import linear_block, moving_columns
from mmm_pipeline.mmm.inference.density import density_inputs, layout_of, log_likelihood, potential_energy
from mmm_pipeline.mmm.inference.media_coefficients import media_coefficients
from mmm_pipeline.mmm.inference.model import media_mix_model
from mmm_pipeline.mmm.inference.student_t import linear_coefficients
from mmm_pipeline.mmm.inference.whitening import LINEAR, NOISE_EXCESS, coordinates, parameters_from_coordinates
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.priors.families import HalfNormal
from mmm_pipeline.mmm.priors.parameter import Parameter
from mmm_pipeline.mmm.specs import ModelSpec, SamplerSettings
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

SPEC = ModelSpec("adstock", 0, weekday=False)


@dataclasses.dataclass(frozen=True)
class Waves(ParametricComponent):
    """A baseline that moves: cosines whose sizes fall with their number, all of one amplitude η."""

    name = "wave"
    dimension = "wave_number"
    parameters = (Parameter("wave_size", "η", "amplitude of the waves", HalfNormal(0.5)),)

    def labels(self, spec, data):
        return ("1", "2", "3")

    def prepared(self, spec, data, time):
        return {
            "columns": np.cos(np.pi * np.outer(time + 0.5, [1, 2, 3]) / data.days),
            "shape": 1 / np.arange(1.0, 4.0),
        }

    def columns(self, prepared, parameters, f):
        return prepared["columns"]

    def scales(self, prepared, parameters, f):
        return f.xp.asarray(parameters["wave_size"])[..., None] * prepared["shape"]


@pytest.fixture(autouse=True)
def _with_waves(monkeypatch):
    monkeypatch.setattr(design, "COMPONENTS", (*COMPONENTS, Waves()))
    with jax.enable_x64(True):
        yield


def test_the_likelihood_is_the_dense_one_with_all_coefficients_integrated_out():
    data = plain.small_window(features=1)
    parameters = {"trend_exponent": np.array([0.8]), "wave_size": np.array([0.4])}
    (own,) = linear_designs(SPEC, data)
    columns = own.columns(parameters, 1)[0] * own.scales(parameters)[0]
    noise, residual = 0.3, data.kpi[0]
    covariance = noise**2 * np.eye(data.days) + columns[:, :-1] @ columns[:, :-1].T
    normal = stats.multivariate_normal(np.zeros(data.days), covariance)

    def at_level(level: float) -> float:
        return 2 * stats.norm.pdf(level) * np.exp(normal.logpdf(residual - level * columns[:, -1]) - reference)

    reference = normal.logpdf(residual - residual.mean())
    expected = np.log(integrate.quad(at_level, 0, 8, points=[residual.mean() / 2], limit=200)[0]) + reference

    sampled = {name: jnp.asarray(value[0]) for name, value in parameters.items()}
    sampled |= {"media_coefficient": jnp.zeros((1, 3)), "noise_sd": jnp.array([noise])}
    sampled |= {name: jnp.full(3, 0.5) for name in SPEC.transform.parameter_names}
    found = log_likelihood(layout_of(SPEC, data), sampled, density_inputs(SPEC, data))
    assert float(found) == pytest.approx(expected, rel=1e-8)

    # By Bayes, at any coefficients: likelihood = joint density / conditional of the coefficients.
    linear = np.abs(np.random.default_rng(1).normal(0, own.scales(parameters)))
    joint = stats.norm(own.mean(linear, parameters)[0], noise).logpdf(residual).sum()
    joint += stats.norm(0, own.scales(parameters)).logpdf(linear).sum() + np.log(2)
    block = linear_block(own, residual[None], parameters, np.array([noise]))
    assert joint - block.log_density(linear)[0] == pytest.approx(expected, rel=1e-8)


def test_under_student_t_noise_the_density_of_the_coordinates_is_the_models():
    spec = dataclasses.replace(SPEC, degrees=4, noise="student_t")
    data = plain.small_window(channels=2)
    layout, inputs, (own,) = layout_of(spec, data), density_inputs(spec, data), linear_designs(spec, data)
    assert own.padding == 0

    def sites(u):
        p = parameters_from_coordinates(layout, u)
        transformed = layout.transform.of_prepared(inputs.media[0], p, JAX)
        beta, _ = media_coefficients(layout, p, inputs.channels, transformed.mean(axis=0)[None])
        degrees = 1 + spec.priors.noise_degrees_mean * p[NOISE_EXCESS]
        moving = moving_columns(layout.parametric, p, inputs.linear.moving)
        residual = (inputs.kpi[0] - transformed @ beta[0])[None]
        b = linear_coefficients(p[LINEAR], residual, moving, p["noise_sd"], degrees, inputs.linear)[0]
        scales = [own.fixed_scales, *(part.component.scales(part.prepared, p, JAX) for part in own.parametric_parts)]
        linear = b * jnp.concatenate([*scales, own.level.scales])
        named = {name: p[name] for name in ("trend_exponent", "wave_size", NOISE_EXCESS)}
        named |= {name: p[name] for name in spec.transform.parameter_names} | {"noise_sd": p["noise_sd"][0]}
        named |= {name: linear[columns] for name, columns in own.blocks.items() if linear[columns].size}
        named |= {name: named[name][0] for name in ("intercept", "trend_coefficient")}
        named["media_coefficient"] = beta[0]
        return jnp.concatenate([jnp.ravel(value) for value in named.values()]), named

    u = np.random.default_rng(4).normal(size=coordinates(layout))
    jacobian, named = jax.jit(jax.jacfwd(sites, has_aux=True))(u)
    density = -float(jax.jit(potential_energy, static_argnums=0)(layout, u, inputs)) - u.size / 2 * np.log(2 * np.pi)
    joint = jax.jit(lambda point: log_density(media_mix_model, (spec, data), {}, point)[0])(named)
    assert density == pytest.approx(float(joint) + np.linalg.slogdet(jacobian).logabsdet, rel=1e-8)


def test_a_fit_names_its_coefficients_and_its_forecast_goes_on_with_it():
    data = plain.small_window(days=60, channels=1, seed=3)
    wave = 0.4 * np.cos(np.pi * (np.arange(60) + 0.5) / 60)
    noise = 0.03 * np.random.default_rng(0).standard_normal(60)
    data = dataclasses.replace(data, kpi=(1 + wave + noise)[None])
    # The effect of media before the forecast is over after 13 days.
    spec = dataclasses.replace(SPEC, adstock="carryover")
    fit = sample(spec, data, SamplerSettings(chains=1, warmup=150, draws=100, max_escalations=0, max_extensions=0))

    assert fit.posterior["wave"].dims == ("chain", "draw", "wave_number")
    assert fit.posterior["wave_size"].dims == ("chain", "draw")
    mean = fit.fitted_mean().mean(("chain", "draw")).to_numpy() / data.kpi_scale
    np.testing.assert_allclose(mean, 1 + wave, atol=0.06)
    ahead = fit.predict_mean(np.zeros((20, 1))).to_numpy() / data.kpi_scale
    draw = fit.posterior.isel(chain=0, draw=7)
    expected = float(draw["intercept"]) + float(draw["trend_coefficient"]) * 75 ** float(draw["trend_exponent"])
    expected += float((draw["wave"] * np.cos(np.pi * 75.5 * np.arange(1, 4) / 60)).sum())
    assert ahead[0, 7, 15] == pytest.approx(expected, rel=1e-9)
