"""Media coefficients from sampling coordinates: spend-share priors, beliefs on ROI, and a hierarchy over markets.

The data knows a channel's mean effect β · mean(m) better than β: at a fixed β the retention alone moves the whole
effect, the stiffest direction of all. So β = s q / √(1 + κ²), where q is the half-Normal quantile of u, s the prior's
scale and κ = s · mean(m): nearly the mean effect itself where the prior is wide. The prior stays what it is, because
the change of variables is added to the density.

A belief on ROI, of single channels or of all together, needs no such step. ROI is KPI caused over spend, so that
β = ROI · spend / Σ_t m_t in the KPI's units: with ROI = F⁻¹(Φ(u)) the coordinate is the mean effect (as in Meridian,
which puts priors on ROI the same way).

Where there are several markets, a channel has a level, which takes the place of β above, and each market a multiple of
it, half-Normal with scale √(2/π): the geo model of `lightweight-mmm` 0.1.9.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.inference.whitening import COEFFICIENT_QUANTILE, LEVEL, MARKET_QUANTILE, Layout
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.priors.media import roi_priors
from mmm_pipeline.mmm.priors.roi import ROI_FAMILIES, RoiPrior
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = [
    "MARKET_SCALE",
    "ChannelPriors",
    "beliefs_on_roi",
    "channel_priors",
    "log_change_of_variables",
    "media_coefficients",
    "roi_of_level",
]

MARKET_SCALE = math.sqrt(2 / math.pi)
"""Scale of a market's multiple of the channel's level."""

_LEAST_EFFECT = 1e-30


class ChannelPriors(NamedTuple):
    """Priors of the media coefficients as arrays.

    Attributes:
        scale: (C,) s of the half-Normal priors, scaled KPI.
        has_roi: (C,) whether the channel has a prior on its ROI instead.
        roi_family: (C,) position of its family in `ROI_FAMILIES`; 0 without one.
        roi_first: (C,) first parameter of the prior of ROI, as its family has it; 1 without one.
        roi_second: (C,) the second.
        daily_spend: (C,) currency per day, all markets together; of an organic channel what it weighs in priors.
        kpi_scale: (G,) KPI units per unit of the scaled KPI.
    """

    scale: Any
    has_roi: Any
    roi_family: Any
    roi_first: Any
    roi_second: Any
    daily_spend: Any
    kpi_scale: Any


def channel_priors(spec: ModelSpec, data: ModelData) -> ChannelPriors:
    """The priors of a model's media coefficients on a window."""
    believed = beliefs_on_roi(spec, data)
    families = list(ROI_FAMILIES)
    parameters = np.ones((len(data.channels), 2))
    family = np.zeros(len(data.channels))
    for position, channel in enumerate(data.channels):
        if channel in believed:
            belief = believed[channel]
            parameters[position] = ROI_FAMILIES[belief.family].parameters(belief.mean, belief.sd)
            family[position] = families.index(belief.family)
    return ChannelPriors(
        scale=data.spend_share_scale * spec.priors.media_scale,
        has_roi=np.array([channel in believed for channel in data.channels]),
        roi_family=family,
        roi_first=parameters[:, 0],
        roi_second=parameters[:, 1],
        daily_spend=data.weighing_spend,
        kpi_scale=data.kpi_scale,
    )


def beliefs_on_roi(spec: ModelSpec, data: ModelData) -> Mapping[str, RoiPrior]:
    """Channel -> the prior of its ROI over the window; channels with the spend-share prior are not among them."""
    paid = data.is_paid
    beliefs = roi_priors(
        spec.media_prior,
        spec.roi_priors,
        [name for name, costs in zip(data.channels, paid, strict=True) if costs],
        data.total_spend.sum(axis=0)[paid],
        float(data.total_kpi.sum()),
        organic=[name for name, costs in zip(data.channels, paid, strict=True) if not costs],
    )
    return {belief.channel: belief for belief in beliefs}


def media_coefficients(
    layout: Layout,
    parameters: dict[str, Any],
    priors: ChannelPriors,
    mean_effect: Any,
    f: Library = JAX,
    *,
    stretched: bool = True,
) -> tuple[Any, Any]:
    """β of every market, (..., G, C), and the channels' levels, (..., C); of a single market both are the same.

    Args:
        layout: what was sampled.
        parameters: of `parameters_from_coordinates`.
        priors: of `channel_priors`.
        mean_effect: (..., G, C) mean over the window of the transformed media.
        f: the library to compute with.
        stretched: whether the coordinates are the sampler's; False: the quantiles are those of the prior itself.
    """
    relative = parameters[MARKET_QUANTILE] * MARKET_SCALE if layout.hierarchy else 1.0
    scale = priors.scale
    level = scale * parameters[COEFFICIENT_QUANTILE]
    if stretched:
        level = level * _stretch(layout, scale, mean_effect) ** -0.5
    if layout.roi_families:
        roi = roi_of_level(layout, parameters[LEVEL], priors, f)
        effect = (priors.kpi_scale[:, None] * relative * mean_effect).sum(-2)
        level = f.xp.where(priors.has_roi, roi * priors.daily_spend / f.xp.maximum(effect, _LEAST_EFFECT), level)
    return level[..., None, :] * relative, level


def roi_of_level(layout: Layout, level: Any, priors: ChannelPriors, f: Library = JAX) -> Any:
    """(..., C) ROI, KPI per unit of currency, at standard Normal coordinates; 1 for channels without a prior on it."""
    roi = f.xp.ones_like(level)
    for position, (name, family) in enumerate(ROI_FAMILIES.items()):
        if name in layout.roi_families:
            prior = family.prior(priors.roi_first, priors.roi_second)
            value = prior.quantile(level, f.special.log_ndtr(prior.tail * level), f)
            roi = f.xp.where(priors.has_roi & (priors.roi_family == position), value, roi)
    return roi


def log_change_of_variables(layout: Layout, parameters: dict[str, Any], priors: ChannelPriors, mean_effect: Any) -> Any:
    """() log of the prior of the coefficients in the coordinates u, relative to the standard Normal density of u."""
    quantile, stretch = parameters[COEFFICIENT_QUANTILE], _stretch(layout, priors.scale, mean_effect)
    terms = quantile**2 * (1 - 1 / stretch) - jnp.log(stretch)
    return 0.5 * jnp.sum(jnp.where(priors.has_roi, 0.0, terms) if layout.roi_families else terms)


def _stretch(layout: Layout, scale: Any, mean_effect: Any) -> Any:
    return 1 + (scale * (mean_effect.mean(-2) if layout.hierarchy else mean_effect[..., 0, :])) ** 2
