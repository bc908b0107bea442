"""The model as its formulas say it: the statement that the fast density in `density` must equal.

    y_t = a + b t^e + Σ_d (γ_d1 sin(2πdt/F) + γ_d2 cos(2πdt/F)) + w_weekday(t) + Σ_f c_f z_tf + Σ_c β_c m_c(x)_t + ε_t
    ε_t ~ N(0, σ²)

y and x are mean-scaled; t = 0 .. T-1; weekdays are the calendar's. Source of form and priors: `lightweight-mmm` 0.1.9.
Every market has this formula with its own a, b, γ, w, c, β and σ; transforms and e are shared.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array

from mmm_pipeline.mmm.baseline.design import LinearDesign, linear_designs
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.inference.media_coefficients import MARKET_SCALE, beliefs_on_roi, channel_priors
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.priors.roi import ROI_FAMILIES
from mmm_pipeline.mmm.priors.shared import NOISE_EXCESS_PRIOR, NOISE_SD_PRIOR, noise_degrees
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["media_mix_model"]


def media_mix_model(spec: ModelSpec, data: ModelData, *, observed: bool = True) -> Array:
    """NumPyro model of the mean-scaled KPI; sites are named as in the posterior, of several markets with the market
    behind.

    Args:
        spec: the model.
        data: the window; media and KPI are already mean-scaled.
        observed: condition on the KPI; False for the prior predictive.

    Returns:
        (G, T) mean of the scaled KPI.
    """
    designs = linear_designs(spec, data)
    of_baseline = {own.name: numpyro.sample(own.name, own.prior.distribution()) for own in designs[0].parameters}
    parameters = {
        own.name: numpyro.sample(own.name, own.prior.distribution().expand([len(data.channels)]).to_event(1))
        for own in spec.transform.parameters
    }
    effects = [spec.transform.value(jnp.asarray(media), parameters, JAX) for media in data.media]
    coefficients = _media_coefficients(spec, data, effects)
    degrees = None
    if spec.noise == "student_t":
        excess = numpyro.sample("noise_excess", NOISE_EXCESS_PRIOR.distribution())
        degrees = numpyro.deterministic("noise_degrees", noise_degrees(excess, spec.priors.noise_degrees_mean))
    means = []
    for g, design in enumerate(designs):
        suffix = f"[{data.markets[g]}]" if data.several_markets else ""
        mean = _baseline(design, of_baseline, suffix) + effects[g] @ coefficients[g]
        noise_sd = numpyro.sample(f"noise_sd{suffix}", NOISE_SD_PRIOR.distribution())
        noise = dist.Normal(mean, noise_sd) if degrees is None else dist.StudentT(degrees, mean, noise_sd)
        with numpyro.plate(f"time{suffix}", data.days):
            numpyro.sample(f"kpi{suffix}", noise, obs=jnp.asarray(data.kpi[g]) if observed else None)
        means.append(mean)
    return jnp.stack(means)


def _media_coefficients(spec: ModelSpec, data: ModelData, effects: list[Array]) -> list[Array]:
    """(C,) coefficients of every market."""
    priors = channel_priors(spec, data)
    name = "channel_level" if data.several_markets else "media_coefficient"
    relative = [jnp.ones(len(data.channels)) for _ in data.markets]
    if data.several_markets:
        relative = [
            numpyro.sample(f"market_multiple[{market}]", dist.HalfNormal(MARKET_SCALE).expand(r.shape).to_event(1))
            for market, r in zip(data.markets, relative, strict=True)
        ]
    believed = beliefs_on_roi(spec, data)
    if not believed:
        level = numpyro.sample(name, dist.HalfNormal(jnp.asarray(priors.scale)).to_event(1))
        return [level * r for r in relative]
    # The belief is on the ROI of all markets together: KPI caused over spend.
    caused = sum(
        kpi_scale * r * effect.sum(axis=0)
        for kpi_scale, r, effect in zip(data.kpi_scale, relative, effects, strict=True)
    )
    free = ~priors.has_roi
    level = jnp.zeros(len(data.channels))
    if free.any():
        level = level.at[free].set(numpyro.sample(name, dist.HalfNormal(jnp.asarray(priors.scale[free])).to_event(1)))
    for c, channel in enumerate(data.channels):
        if channel in believed:
            belief = believed[channel]
            family = ROI_FAMILIES[belief.family]
            prior = family.prior(*family.parameters(belief.mean, belief.sd))
            roi = numpyro.sample(f"roi[{channel}]", prior.distribution())
            level = level.at[c].set(roi * priors.daily_spend[c] * data.days / jnp.asarray(caused)[c])
    return [level * r for r in relative]


def _baseline(design: LinearDesign, parameters: dict[str, Array], suffix: str) -> Array:
    """(T,) everything of a market's mean but media."""
    level = numpyro.sample(f"{design.level.component.name}{suffix}", dist.HalfNormal(design.level.scales[0]))
    mean = level * jnp.asarray(design.level.columns[:, 0])
    for moving in design.parametric_parts:
        scales = jnp.asarray(moving.component.scales(moving.prepared, parameters, JAX))
        columns = moving.component.columns(moving.prepared, parameters, JAX)
        name = f"{moving.component.name}{suffix}"
        if moving.component.dimension is None:
            mean = mean + columns[:, 0] * numpyro.sample(name, dist.Normal(0.0, scales[0]))
        else:
            mean = mean + columns @ numpyro.sample(name, dist.Normal(0.0, scales).to_event(1))
    for part in design.fixed_parts:
        if part.free.any():
            normal = dist.Normal(0.0, jnp.asarray(part.scales[part.free])).to_event(1)
            coefficient = numpyro.sample(f"{part.component.name}{suffix}", normal)
            mean = mean + jnp.asarray(part.columns[:, part.free]) @ coefficient
    if design.signed.shape[1]:
        half_normal = dist.HalfNormal(1.0).expand([design.signed.shape[1]]).to_event(1)
        mean = mean + jnp.asarray(design.signed) @ numpyro.sample(f"signed_feature{suffix}", half_normal)
    return mean
