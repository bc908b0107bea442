"""The model as its formulas say it: the statement that the fast density in `collapsed` must equal.

    y_t = a + b t^e + Σ_d (γ_d1 sin(2πdt/F) + γ_d2 cos(2πdt/F)) + w_[t mod 7] + Σ_f c_f z_tf + Σ_c β_c m_c(x)_t + ε_t
    ε_t ~ N(0, σ²)

y and x are mean-scaled; t = 0 .. T-1. Source of form and priors: `lightweight-mmm` 0.1.9.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array

from mmm_pipeline.mmm.design import linear_design
from mmm_pipeline.mmm.inputs import FitData
from mmm_pipeline.mmm.specs import Adstock, ModelSpec
from mmm_pipeline.mmm.transforms import media_transform, power

__all__ = ["MEDIA_PRIORS", "media_mix_model"]

MEDIA_PRIORS: dict[Adstock, dict[str, Any]] = {
    "adstock": {"retention": (dist.Beta, 2.0, 1.0), "exponent": (dist.Beta, 9.0, 1.0)},
    "hill_adstock": {
        "retention": (dist.Beta, 2.0, 1.0),
        "half_saturation": (dist.Gamma, 1.0, 1.0),
        "slope": (dist.Gamma, 1.0, 1.0),
    },
    "carryover": {
        "retention": (dist.Beta, 1.0, 1.0),
        "peak_delay": (dist.HalfNormal, 2.0),
        "exponent": (dist.Beta, 9.0, 1.0),
    },
}
"""Prior family and its arguments of every parameter of a media transform."""


def media_mix_model(spec: ModelSpec, data: FitData, *, observed: bool = True) -> Array:
    """NumPyro model of the mean-scaled KPI; sites are named as in the posterior.

    Args:
        spec: the model.
        data: the window; its media and KPI are already mean-scaled.
        observed: condition on the KPI; False for the prior predictive.

    Returns:
        (T,) mean of the scaled KPI.
    """
    priors = spec.priors
    design = linear_design(spec, data)
    time = jnp.asarray(design.time)

    intercept = numpyro.sample("intercept", dist.HalfNormal(priors.intercept_scale))
    trend_coefficient = numpyro.sample("trend_coefficient", dist.Normal(0.0, priors.trend_scale))
    trend_exponent = numpyro.sample("trend_exponent", dist.Uniform(0.5, 1.5))
    mean = intercept + trend_coefficient * power(time, trend_exponent)

    seasonality = numpyro.sample("seasonality", _normal(priors.seasonality_scale, 2 * spec.degrees))
    mean = mean + jnp.asarray(design.seasonality) @ seasonality
    if spec.weekday:
        weekday = numpyro.sample("weekday", _normal(priors.weekday_scale, design.weekday.shape[1]))
        mean = mean + jnp.asarray(design.weekday) @ weekday
    if data.features:
        coefficient = numpyro.sample("feature_coefficient", _normal(priors.feature_scale, len(data.features)))
        mean = mean + jnp.asarray(design.features) @ coefficient

    scale = jnp.asarray(data.spend_share_scale * priors.media_scale)
    media_coefficient = numpyro.sample("media_coefficient", dist.HalfNormal(scale).to_event(1))
    parameters = {
        name: numpyro.sample(name, family(*arguments).expand([len(data.channels)]).to_event(1))
        for name, (family, *arguments) in MEDIA_PRIORS[spec.adstock].items()
    }
    mean = mean + media_transform(spec.adstock, jnp.asarray(data.media), parameters) @ media_coefficient

    noise_sd = numpyro.sample("noise_sd", dist.Gamma(1.0, 1.0))
    with numpyro.plate("time", data.days):
        numpyro.sample("kpi", dist.Normal(mean, noise_sd), obs=jnp.asarray(data.kpi) if observed else None)
    return mean


def _normal(scale: float, size: int) -> dist.Distribution:
    return dist.Normal(0.0, scale).expand([size]).to_event(1)
