"""The density that NUTS samples is that of the model: nothing is approximated by any of its coordinates."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import log_density
from scipy import stats

from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.baseline.trend import Trend
from mmm_pipeline.mmm.inference.collapsed import linear_block, moving_columns
from mmm_pipeline.mmm.inference.density import density_inputs, layout_of, log_likelihood, potential_energy
from mmm_pipeline.mmm.inference.media_coefficients import media_coefficients, roi_of_level
from mmm_pipeline.mmm.inference.model import media_mix_model
from mmm_pipeline.mmm.inference.student_t import linear_coefficients
from mmm_pipeline.mmm.inference.whitening import (
    COEFFICIENT_QUANTILE,
    LEVEL,
    LINEAR,
    MARKET_QUANTILE,
    NOISE_EXCESS,
    SIGNED_QUANTILE,
    Layout,
    coordinates,
    parameters_from_coordinates,
)
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.specs import FeatureSign, MediaPrior, ModelSpec, Priors, RoiPrior
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

likelihood = jax.jit(log_likelihood, static_argnums=0)
energy_and_gradient = jax.jit(jax.value_and_grad(potential_energy, argnums=1), static_argnums=0)
PRIORS = Priors(1.7, 0.8, 1.3, 0.4, 0.9, 1.1, 0.6, 20.0)
GRID = [
    pytest.param(adstock, degrees, weekday, features, id=f"{adstock}-{degrees}-{weekday}-{features}")
    for adstock in LIGHTWEIGHT_TRANSFORMS
    for degrees in (1, 2, 4)
    for weekday in (False, True)
    for features in (0, 2)
]
BELIEFS = (RoiPrior("channel 1", 2.0, 0.7),)
SMALL_BELIEFS = (RoiPrior("channel 1", 0.7, 0.2, "normal"), RoiPrior("channel 2", 0.5, 0.1, "uniform"))
SIGNS = (FeatureSign("feature 0", "negative"), FeatureSign("event 0", "positive"))
VARIANTS = {
    "no season, events": (ModelSpec("adstock", 0, priors=PRIORS), plain.small_window(features=1, events=2)),
    "signs": (
        ModelSpec("carryover", 1, priors=PRIORS, feature_signs=SIGNS),
        plain.small_window(features=2, events=1),
    ),
    "media together": (
        ModelSpec("carryover", 1, priors=PRIORS, media_prior=MediaPrior(), roi_priors=SMALL_BELIEFS),
        plain.small_window(channels=4),
    ),
    "media together, of a panel": (
        ModelSpec("hill_adstock", 1, priors=PRIORS, media_prior=MediaPrior("total_share", 0.3, 0.1)),
        plain.small_panel(),
    ),
    "one belief on all": (
        ModelSpec("adstock", 1, priors=PRIORS, media_prior=MediaPrior("roi", 2.0, 1.0, "normal"), roi_priors=BELIEFS),
        plain.small_window(),
    ),
    "belief on ROI": (ModelSpec("hill_adstock", 2, priors=PRIORS, roi_priors=BELIEFS), plain.small_window()),
    "Student-t": (
        ModelSpec("adstock", 1, priors=PRIORS, noise="student_t", feature_signs=SIGNS),
        plain.small_window(features=2, events=1),
    ),
    "panel": (ModelSpec("carryover", 1, priors=PRIORS), plain.small_panel(features=1)),
    "panel with everything": (
        ModelSpec("adstock", 2, priors=PRIORS, noise="student_t", feature_signs=SIGNS, roi_priors=BELIEFS),
        plain.small_panel(features=2, events=1, channels=2),
    ),
}


@pytest.fixture(autouse=True)
def _double_precision(quick_compilation):
    with jax.enable_x64(True):
        yield


def point_at(spec, data, u):
    """(parameters by name, all that is sampled as one flat vector) at the coordinates u, in JAX."""
    layout, inputs = layout_of(spec, data), density_inputs(spec, data)
    p = parameters_from_coordinates(layout, u)
    transformed = jnp.stack([layout.transform.of_prepared(media, p, JAX) for media in inputs.media])
    beta, level = media_coefficients(layout, p, inputs.channels, transformed.mean(axis=1))
    if layout.roi_families:
        believed = roi_of_level(layout, p[LEVEL], inputs.channels)
        level = jnp.where(inputs.channels.has_roi, believed, level)
    names = (*spec.transform.parameter_names, "trend_exponent", "noise_sd")
    named = {name: p[name] for name in names} | {"level": level}
    flat = [level, *(p[name] for name in names)]
    if layout.hierarchy:
        named["market_multiple"] = p[MARKET_QUANTILE] * np.sqrt(2 / np.pi)
        flat.append(named["market_multiple"])
    design = linear_designs(spec, data)[0]
    unsigned = jnp.zeros((layout.markets, 0))
    if layout.signed_features:
        flat.append(p[SIGNED_QUANTILE] * design.signed_scales)
    if spec.noise == "student_t":
        named["noise_degrees"] = 1 + spec.priors.noise_degrees_mean * p[NOISE_EXCESS]
        residual = inputs.kpi - jnp.einsum("gtc,gc->gt", transformed, beta)
        if layout.signed_features:
            residual -= jnp.einsum("gts,gs->gt", inputs.signed, p[SIGNED_QUANTILE])
        moving = moving_columns(layout.parametric, p, inputs.linear.moving)
        b = linear_coefficients(p[LINEAR], residual, moving, p["noise_sd"], named["noise_degrees"], inputs.linear)
        flat += [named["noise_degrees"], b]
        fixed = design.fixed.shape[1]
        named["padding"] = b[:, fixed : fixed + design.padding]
        linear = jnp.concatenate([b[:, :fixed], b[:, fixed + design.padding :]], axis=1) * design.scales({})
        named |= coefficients_by_name(design, linear)
        unsigned = named["feature_coefficient"]
    named["unsigned"], named["signed"] = unsigned, p.get(SIGNED_QUANTILE, jnp.zeros((layout.markets, 0)))
    return named, jnp.concatenate([jnp.ravel(part) for part in flat])


def coefficients_by_name(design, linear):
    """Those without a sign, (..., K)."""
    single = {component.name for component in design.components if component.dimension is None}
    found = {name: linear[..., columns] for name, columns in design.blocks.items()}
    return {name: values[..., 0] if name in single else values for name, values in found.items()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_density_of_the_coordinates_is_the_joint_density_times_the_change_of_variables(variant):
    spec, data = VARIANTS[variant]
    layout, inputs = layout_of(spec, data), density_inputs(spec, data)
    generator = np.random.default_rng(6)
    u = generator.normal(size=coordinates(layout))

    def flat_and_named(u):
        named, flat = point_at(spec, data, u)
        return flat, named

    jacobian, named = jax.jit(jax.jacfwd(flat_and_named, has_aux=True))(u)
    log_volume = np.linalg.slogdet(jacobian).logabsdet
    named = {name: np.asarray(value) for name, value in named.items()}
    signed, unsigned = named.pop("signed"), named.pop("unsigned")

    energy = jax.jit(potential_energy, static_argnums=0)(layout, u, inputs)
    density = -float(energy) - u.size / 2 * np.log(2 * np.pi)
    designs = linear_designs(spec, data)
    if spec.noise == "normal":
        # What was integrated out comes back as its conditional, at any value of the linear coefficients.
        linear = np.concatenate([drawn_coefficients(design, generator) / 5 for design in designs])
        betas = plain.coefficients(spec, data, named)
        for g, design in enumerate(designs):
            residual = data.kpi[g] - plain.media_effect(spec.adstock, data.media[g], named) @ betas[g]
            residual = residual - design.signed @ signed[g]
            exponent, noise = {"trend_exponent": np.atleast_1d(named["trend_exponent"])}, named["noise_sd"][g : g + 1]
            density += float(linear_block(design, residual[None], exponent, noise).log_density(linear[g][None])[0])
        named |= coefficients_by_name(designs[0], linear)
        unsigned = named["feature_coefficient"]
    else:
        # Volumes are of coefficients in units of their prior scales, padding included.
        padding = named.pop("padding")
        log_volume += layout.markets * np.log(designs[0].scales({})).sum()
        density -= stats.norm.logpdf(padding).sum()
    named["feature_coefficient"] = designs[0].fixed_parts[-1].joined(unsigned, signed)
    if not data.several_markets:
        named |= {name: named[name][0] for name in plain.PER_MARKET if name in named}

    expected = plain.joint_log_density(spec, data, named) + log_volume
    assert density == pytest.approx(expected, rel=1e-9, abs=1e-6)


def drawn_coefficients(design, generator):
    """(1, K) coefficients of the prior's size."""
    drawn = generator.normal(0, design.scales({}))
    blocks = design.blocks
    drawn[:, blocks["intercept"]] = np.abs(drawn[:, blocks["intercept"]])
    # A trend of the prior's size dwarfs everything else within a month.
    drawn[:, blocks["trend_coefficient"]] /= 10
    return drawn


def random_point(spec, data, generator):
    """Every parameter of a model of one market, drawn from the priors; the noise kept away from 0."""
    (design,), layout = linear_designs(spec, data), layout_of(spec, data)
    u = generator.standard_normal(coordinates(layout))
    u[-1] = abs(u[-1])
    sampled = {name: np.asarray(value) for name, value in parameters_from_coordinates(layout, u, NUMPY).items()}
    scale = data.spend_share_scale * spec.priors.media_scale
    sampled["media_coefficient"] = scale * sampled.pop(COEFFICIENT_QUANTILE)
    del sampled[LEVEL]
    sampled["noise_sd"] = sampled["noise_sd"][0]
    return sampled, drawn_coefficients(design, generator)[0]


def named_point(spec, data, sampled, linear):
    named = coefficients_by_name(linear_designs(spec, data)[0], linear)
    return sampled | {name: value for name, value in named.items() if value.size}


def for_likelihood(sampled):
    """The parameters of one market in the shapes of several."""
    return {**sampled, **{name: sampled[name][None] for name in ("media_coefficient", "noise_sd")}}


@pytest.mark.parametrize(("adstock", "degrees", "weekday", "features"), GRID)
def test_collapsed_density_times_the_blocks_conditional_is_the_joint_density(adstock, degrees, weekday, features):
    spec = ModelSpec(adstock, degrees, weekday=weekday, seasonality_period_days=90.0, priors=PRIORS)
    data = plain.small_window(features=features, seed=degrees)
    layout, inputs = layout_of(spec, data), density_inputs(spec, data)
    generator = np.random.default_rng(degrees + 10 * weekday + 100 * features)
    for _ in range(3):
        sampled, linear = random_point(spec, data, generator)
        effect = plain.media_effect(adstock, data.media[0], sampled) @ sampled["media_coefficient"]
        exponent = {"trend_exponent": np.array([sampled["trend_exponent"]])}
        noise = np.array([sampled["noise_sd"]])
        block = linear_block(linear_designs(spec, data)[0], data.kpi - effect, exponent, noise)
        share = data.spend[0].sum(axis=0) / data.spend[0].sum(axis=0).mean()
        prior = stats.halfnorm(scale=share * PRIORS.media_scale).logpdf(sampled["media_coefficient"]).sum()
        prior += sum(p.logpdf(sampled[name]).sum() for name, p in plain.media_priors(adstock).items())
        prior += stats.gamma(1.0).logpdf(sampled["noise_sd"])

        density = prior + float(likelihood(layout, for_likelihood(sampled), inputs))
        density += float(block.log_density(linear[None])[0])

        expected = plain.joint_log_density(spec, data, named_point(spec, data, sampled, linear))
        assert density == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("features", [0, 2])
@pytest.mark.parametrize("adstock", LIGHTWEIGHT_TRANSFORMS)
def test_numpyro_model_has_the_joint_density_of_its_formulas(adstock, features):
    spec = ModelSpec(adstock, 2, weekday=bool(features), priors=PRIORS)
    data = plain.small_window(features=features)
    point = named_point(spec, data, *random_point(spec, data, np.random.default_rng(5)))
    density = jax.jit(lambda point: log_density(media_mix_model, (spec, data), {}, point)[0])(point)
    assert float(density) == pytest.approx(plain.joint_log_density(spec, data, point), rel=1e-9, abs=1e-6)


def test_numpyro_model_of_a_panel_with_everything_has_the_joint_density_of_its_formulas():
    spec, data = VARIANTS["panel with everything"]
    generator = np.random.default_rng(2)
    markets, channels = len(data.markets), len(data.channels)
    p = {name: prior.rvs(channels, random_state=generator) for name, prior in plain.media_priors("adstock").items()}
    p |= {
        "trend_exponent": 0.8, "noise_degrees": 4.0, "level": generator.gamma(2.0, 1.0, channels),
        "market_multiple": generator.gamma(2.0, 0.5, (markets, channels)),
        "intercept": np.array([0.5, 0.7]), "trend_coefficient": np.array([0.01, -0.02]),
        "noise_sd": np.array([0.2, 0.3]), "seasonality": generator.normal(size=(markets, 4)),
        "weekday": generator.normal(0, 0.3, (markets, 7)),
        # feature 0 lowers, feature 1 is free, event 0 raises.
        "feature_coefficient": np.array([[-0.2, 0.1, 0.3], [-0.1, -0.4, 0.2]]),
    }  # fmt: skip
    scales = np.array([PRIORS.feature_scale, PRIORS.event_scale])
    point = {name: p[name] for name in (*MEDIA_TRANSFORMS["adstock"].parameter_names, "trend_exponent")}
    point |= {"noise_excess": (p["noise_degrees"] - 1) / PRIORS.noise_degrees_mean}
    point |= {"channel_level": p["level"][[0]], "roi[channel 1]": p["level"][1]}
    for g, market in enumerate(data.markets):
        point[f"market_multiple[{market}]"] = p["market_multiple"][g]
        for name in ("intercept", "trend_coefficient", "noise_sd", "seasonality", "weekday"):
            point[f"{name}[{market}]"] = p[name][g]
        point[f"feature_coefficient[{market}]"] = p["feature_coefficient"][g, [1]]
        point[f"signed_feature[{market}]"] = np.abs(p["feature_coefficient"][g, [0, 2]]) / scales
    density = jax.jit(lambda point: log_density(media_mix_model, (spec, data), {}, point)[0])(point)
    # The model's sites are in units of their scales, as is the excess of degrees of freedom.
    volume = np.log(PRIORS.noise_degrees_mean) + markets * np.log(scales).sum()
    assert float(density) == pytest.approx(plain.joint_log_density(spec, data, p) + volume, rel=1e-9)


@pytest.mark.parametrize("adstock", LIGHTWEIGHT_TRANSFORMS)
def test_whitened_coordinates_have_the_priors_of_the_parameters(adstock):
    layout = Layout(MEDIA_TRANSFORMS[adstock], 2, (Trend(),), markets=2, signed_features=1, noise="student_t", linear=3)
    u = np.linspace(-4, 4, 41)[:, None] * np.ones(coordinates(layout))
    parameters = parameters_from_coordinates(layout, u, NUMPY)
    half_normal, whole = stats.halfnorm(), stats.norm()
    expected = {
        COEFFICIENT_QUANTILE: half_normal, LEVEL: whole, MARKET_QUANTILE: half_normal, SIGNED_QUANTILE: half_normal,
        "trend_exponent": stats.uniform(0.5, 1.0), "noise_sd": stats.gamma(1.0), NOISE_EXCESS: stats.expon(),
        LINEAR: whole,
    } | plain.media_priors(adstock)  # fmt: skip
    assert set(parameters) == set(expected)
    assert set(MEDIA_TRANSFORMS[adstock].parameter_names) < set(parameters)
    for name, prior in expected.items():
        quantile = prior.ppf(stats.norm.cdf(u[:, 0])).reshape(-1, *(1,) * (parameters[name].ndim - 1))
        np.testing.assert_allclose(
            parameters[name], np.broadcast_to(quantile, parameters[name].shape), rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize("adstock", LIGHTWEIGHT_TRANSFORMS)
def test_jax_and_numpy_read_coordinates_alike(adstock):
    layout = Layout(MEDIA_TRANSFORMS[adstock], 2, (Trend(),), markets=2, signed_features=1, noise="student_t", linear=3)
    u = np.random.default_rng(0).normal(0, 3, (5, coordinates(layout)))
    jax_values = jax.jit(parameters_from_coordinates, static_argnums=0)(layout, u)
    numpy_values = parameters_from_coordinates(layout, u, NUMPY)
    for name, values in numpy_values.items():
        np.testing.assert_allclose(jax_values[name], values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("adstock", LIGHTWEIGHT_TRANSFORMS)
@pytest.mark.parametrize("distance", [0.0, 1.0, 6.0])
def test_gradient_equals_finite_differences_even_far_out(adstock, distance):
    spec, data = ModelSpec(adstock, 1), plain.small_window()
    layout, inputs = layout_of(spec, data), density_inputs(spec, data)
    u = distance * np.random.default_rng(3).choice([-1.0, 1.0], coordinates(layout))
    u[-1] = abs(u[-1])
    _, gradient = energy_and_gradient(layout, u, inputs)
    step = 1e-5 * np.eye(len(u))
    above, below = ([energy_and_gradient(layout, u + sign * e, inputs)[0] for e in step] for sign in (1, -1))
    numeric = (np.array(above) - np.array(below)) / 2e-5
    np.testing.assert_allclose(gradient, numeric, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("noise", ["normal", "student_t"])
def test_all_degrees_up_to_four_share_the_shapes_of_one_program(noise):
    data = plain.small_window(features=1)
    specs = [ModelSpec("adstock", degrees, noise=noise) for degrees in (0, 1, 2, 4)]
    shapes = {tuple(array.shape for array in jax.tree.leaves(density_inputs(spec, data))) for spec in specs}
    assert len(shapes) == 1
    assert len({layout_of(spec, data) for spec in specs}) == 1
