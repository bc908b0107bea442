"""The integrated, whitened density is the model's own: nothing is approximated."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from numpyro.infer.util import log_density
from scipy import stats

from mmm_pipeline.mmm.collapsed import (
    collapsed_inputs,
    collapsed_log_likelihood,
    linear_block,
    potential_energy,
)
from mmm_pipeline.mmm.design import linear_design
from mmm_pipeline.mmm.draws import media_transform_of_draws
from mmm_pipeline.mmm.model import media_mix_model
from mmm_pipeline.mmm.specs import ADSTOCKS, ModelSpec, Priors
from mmm_pipeline.mmm.transforms import MEDIA_PARAMETERS
from mmm_pipeline.mmm.whitening import (
    COEFFICIENT_QUANTILE,
    NUMPY,
    coefficients,
    coordinates,
    parameters_from_coordinates,
)
from mmm_pipeline_tests.mmm import plain_statement as plain

log_likelihood = jax.jit(collapsed_log_likelihood, static_argnums=0)
energy_and_gradient = jax.jit(jax.value_and_grad(potential_energy, argnums=1), static_argnums=0)
PRIORS = Priors(1.7, 0.8, 1.3, 0.4, 0.9, 1.1)
GRID = [
    pytest.param(adstock, degrees, weekday, features, id=f"{adstock}-{degrees}-{weekday}-{features}")
    for adstock in ADSTOCKS
    for degrees in (1, 2, 4)
    for weekday in (False, True)
    for features in (0, 2)
]


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def random_point(spec, data, generator):
    """Every parameter of the model, drawn from the priors; the noise kept away from 0."""
    design = linear_design(spec, data)
    u = generator.standard_normal(coordinates(spec.adstock, len(data.channels)))
    u[-1] = abs(u[-1])
    sampled = {
        name: np.asarray(value)
        for name, value in parameters_from_coordinates(spec.adstock, u, len(data.channels), NUMPY).items()
    }
    scale = data.spend_share_scale * spec.priors.media_scale
    sampled["media_coefficient"] = scale * sampled.pop(COEFFICIENT_QUANTILE)
    linear = generator.normal(0, design.scales)
    linear[-1] = abs(linear[-1])
    # A trend of the prior's size dwarfs everything else within a month.
    linear[-2] /= 10
    return sampled, linear


def named(spec, data, sampled, linear):
    blocks = linear_design(spec, data).blocks
    point = sampled | {name: linear[columns] for name, columns in blocks.items() if linear[columns].size}
    return point | {"trend_coefficient": linear[-2], "intercept": linear[-1]}


@pytest.mark.parametrize(("adstock", "degrees", "weekday", "features"), GRID)
def test_collapsed_density_times_the_blocks_conditional_is_the_joint_density(adstock, degrees, weekday, features):
    spec = ModelSpec(adstock, degrees, weekday=weekday, seasonality_period_days=90.0, priors=PRIORS)
    data = plain.small_window(features=features, seed=degrees)
    inputs = collapsed_inputs(spec, data)
    generator = np.random.default_rng(degrees + 10 * weekday + 100 * features)
    for _ in range(3):
        sampled, linear = random_point(spec, data, generator)
        effect = plain.media_effect(adstock, data.media, sampled) @ sampled["media_coefficient"]
        exponent, noise = np.array([sampled["trend_exponent"]]), np.array([sampled["noise_sd"]])
        block = linear_block(linear_design(spec, data), (data.kpi - effect)[None], exponent, noise)
        share = data.spend.sum(axis=0) / data.spend.sum(axis=0).mean()
        prior = stats.halfnorm(scale=share * PRIORS.media_scale).logpdf(sampled["media_coefficient"]).sum()
        prior += sum(p.logpdf(sampled[name]).sum() for name, p in plain.media_priors(adstock).items())
        prior += stats.gamma(1.0).logpdf(sampled["noise_sd"])

        density = prior + float(log_likelihood(adstock, sampled, inputs))
        density += float(block.log_density(linear[None])[0])

        expected = plain.joint_log_density(spec, data, named(spec, data, sampled, linear))
        assert density == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("features", [0, 2])
@pytest.mark.parametrize("adstock", ADSTOCKS)
def test_numpyro_model_has_the_joint_density_of_its_formulas(adstock, features):
    spec = ModelSpec(adstock, 2, weekday=bool(features), priors=PRIORS)
    data = plain.small_window(features=features)
    point = named(spec, data, *random_point(spec, data, np.random.default_rng(5)))
    density = jax.jit(lambda point: log_density(media_mix_model, (spec, data), {}, point)[0])(point)
    assert float(density) == pytest.approx(plain.joint_log_density(spec, data, point), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("adstock", ADSTOCKS)
def test_whitened_coordinates_have_the_priors_of_the_parameters(adstock):
    u = np.linspace(-4, 4, 41)[:, None] * np.ones(coordinates(adstock, 2))
    parameters = parameters_from_coordinates(adstock, u, 2, NUMPY)
    probability = stats.norm.cdf(u[:, 0])
    expected = {
        COEFFICIENT_QUANTILE: stats.halfnorm(),
        "trend_exponent": stats.uniform(0.5, 1.0),
        "noise_sd": stats.gamma(1.0),
    } | plain.media_priors(adstock)
    assert set(parameters) == set(expected)
    assert set(MEDIA_PARAMETERS[adstock]) < set(parameters)
    for name, prior in expected.items():
        quantile = prior.ppf(probability[:, None] if parameters[name].ndim == 2 else probability)
        np.testing.assert_allclose(parameters[name], np.broadcast_to(quantile, parameters[name].shape), rtol=1e-6)


@pytest.mark.parametrize("adstock", ADSTOCKS)
def test_jax_and_numpy_read_coordinates_alike(adstock):
    u = np.random.default_rng(0).normal(0, 3, (5, coordinates(adstock, 2)))
    jax_values = jax.jit(parameters_from_coordinates, static_argnums=(0, 2))(adstock, u, 2)
    numpy_values = parameters_from_coordinates(adstock, u, 2, NUMPY)
    for name, values in numpy_values.items():
        np.testing.assert_allclose(jax_values[name], values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("adstock", ADSTOCKS)
def test_density_of_the_coordinates_is_that_of_the_parameters_times_the_change_of_variables(adstock):
    spec, data = ModelSpec(adstock, 1, priors=PRIORS), plain.small_window()
    inputs = collapsed_inputs(spec, data)

    def sampled(u):
        """Every sampled parameter, flat, for many u at once."""
        parameters = parameters_from_coordinates(adstock, u, 3, NUMPY)
        quantile = parameters.pop(COEFFICIENT_QUANTILE)
        mean_effect = media_transform_of_draws(adstock, data.media, parameters).mean(axis=1)
        parameters["media_coefficient"] = coefficients(quantile, inputs.media_scale, mean_effect)
        return parameters

    def flat(u):
        return np.concatenate([values.reshape(len(u), -1) for values in sampled(u).values()], axis=1)

    u = np.random.default_rng(6).normal(size=(1, coordinates(adstock, 3)))
    step = 1e-5 * np.eye(u.size)
    log_volume = np.linalg.slogdet((flat(u + step) - flat(u - step)) / 2e-5).logabsdet
    point = {name: value[0] for name, value in sampled(u).items()}
    prior = stats.halfnorm(scale=inputs.media_scale).logpdf(point["media_coefficient"]).sum()
    prior += sum(p.logpdf(point[name]).sum() for name, p in plain.media_priors(adstock).items())
    prior += stats.gamma(1.0).logpdf(point["noise_sd"])
    expected = prior + float(log_likelihood(adstock, point, inputs)) + log_volume

    energy, _ = energy_and_gradient(adstock, u[0], inputs)
    assert -float(energy) - u.size / 2 * np.log(2 * np.pi) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("adstock", ADSTOCKS)
@pytest.mark.parametrize("distance", [0.0, 1.0, 6.0])
def test_gradient_equals_finite_differences_even_far_out(adstock, distance):
    spec = ModelSpec(adstock, 1)
    inputs = collapsed_inputs(spec, plain.small_window())
    u = distance * np.random.default_rng(3).choice([-1.0, 1.0], coordinates(adstock, 3))
    u[-1] = abs(u[-1])
    _, gradient = energy_and_gradient(adstock, u, inputs)
    step = 1e-5 * np.eye(len(u))
    above, below = ([energy_and_gradient(adstock, u + sign * e, inputs)[0] for e in step] for sign in (1, -1))
    numeric = (np.array(above) - np.array(below)) / 2e-5
    np.testing.assert_allclose(gradient, numeric, rtol=2e-4, atol=1e-4)


def test_all_degrees_up_to_four_share_the_shapes_of_one_program():
    data = plain.small_window(features=1)
    shapes = {
        tuple(array.shape for array in collapsed_inputs(ModelSpec("adstock", degrees), data)) for degrees in (1, 2, 4)
    }
    assert len(shapes) == 1


def test_drawn_block_has_the_moments_of_its_conditional_and_a_positive_intercept():
    spec = ModelSpec("adstock", 1, weekday=False)
    data = plain.small_window()
    draws = 40_000
    # The residual is centred at zero, so that the truncation of the intercept matters.
    block = linear_block(
        linear_design(spec, data),
        np.broadcast_to(data.kpi - 1.0, (draws, data.days)),
        np.full(draws, 0.9),
        np.full(draws, 1.5),
    )
    drawn = block.draw(np.random.default_rng(0))
    assert (drawn[:, -1] > 0).all()
    # Importance of every draw under the untruncated Normal is constant: check against rejection sampling.
    standard = np.random.default_rng(1).standard_normal((200_000, 4)) * block.noise_sd[0]
    free = np.linalg.solve(block.factor[0].T, (block.projected[0] + standard).T).T * block.scales
    kept = free[free[:, -1] > 0]
    assert 0.1 < len(kept) / len(free) < 0.9
    error = kept.std(axis=0) * (1 / np.sqrt(draws) + 1 / np.sqrt(len(kept)))
    assert (np.abs(drawn.mean(axis=0) - kept.mean(axis=0)) < 4 * error).all()
    spread = np.sqrt(np.outer(kept.var(axis=0), kept.var(axis=0)))
    np.testing.assert_allclose(np.cov(drawn.T) / spread, np.cov(kept.T) / spread, atol=0.03)
