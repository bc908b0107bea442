"""Sampling coordinates: each parameter is F⁻¹(Φ(u)) of a standard Normal u, F its prior's distribution function.

The prior of u is N(0, I) whatever the prior of the parameter, and with the weak data of media mix modelling the
posterior stays close to it: the sampler meets almost a standard Normal.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from mmm_pipeline.mmm.baseline.component import ParametricComponent
from mmm_pipeline.mmm.media.transform import MediaTransform
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.priors.families import Prior
from mmm_pipeline.mmm.priors.shared import (
    NOISE_EXCESS_PRIOR,
    NOISE_SD_PRIOR,
    UNIT_HALF_NORMAL,
)
from mmm_pipeline.mmm.specs import Noise

__all__ = [
    "COEFFICIENT_QUANTILE",
    "LEVEL",
    "LINEAR",
    "MARKET_QUANTILE",
    "NOISE_EXCESS",
    "SIGNED_QUANTILE",
    "Layout",
    "coordinates",
    "parameters_from_coordinates",
]

COEFFICIENT_QUANTILE = "media_coefficient_quantile"
LEVEL = "level"
MARKET_QUANTILE = "market_quantile"
SIGNED_QUANTILE = "signed_feature_quantile"
NOISE_EXCESS = "noise_excess"
LINEAR = "linear"


class Layout(NamedTuple):
    """What there is to sample: the static side of a model, one compiled program each.

    Attributes:
        transform: the media transform.
        channels: C.
        parametric: components of the baseline that depend on sampled parameters.
        markets: G; a single one has no hierarchy.
        signed_features: S, features whose coefficients have a sign.
        roi_families: families of the channels' priors on ROI; none: no channel has one.
        noise: distribution of the noise.
        linear: K, linear coefficients of each market that are sampled; 0 when they are integrated out, as Normal
            noise allows.
    """

    transform: MediaTransform
    channels: int
    parametric: tuple[ParametricComponent, ...]
    markets: int = 1
    signed_features: int = 0
    roi_families: tuple[str, ...] = ()
    noise: Noise = "normal"
    linear: int = 0

    @property
    def hierarchy(self) -> bool:
        """Whether markets share a channel's level: there are several."""
        return self.markets > 1


class _Block(NamedTuple):
    name: str
    shape: tuple[int, ...]
    prior: Prior


def coordinates(layout: Layout) -> int:
    """D, the number of sampled coordinates."""
    return _whitened_size(layout) + layout.markets * layout.linear


def parameters_from_coordinates(layout: Layout, u: Any, f: Library = JAX) -> dict[str, Any]:
    """The sampled parameters at u, with quantiles in place of coefficients.

    Args:
        layout: what there is to sample.
        u: (..., D) standard Normal a priori.
        f: the library to compute with.

    Returns:
        `media_coefficient_quantile`, a half-Normal(1) quantile, and the parameters of the transform, (..., C) each;
        `level` (..., C), the same coordinates as the quantile, left standard Normal; those of the baseline's
        components, (...) each;
        `noise_sd` (..., G); for several markets `market_quantile` (..., G, C), with signed features
        `signed_feature_quantile` (..., G, S), both half-Normal(1); for Student-t noise `noise_excess` (...),
        Exponential(1), and for sampled linear coefficients `linear` (..., G, K), left standard Normal.
    """
    blocks, whitened = _blocks(layout), _whitened_size(layout)
    tails = np.concatenate([np.full(math.prod(block.shape), block.prior.tail) for block in blocks])
    # One call for all coordinates: the function is long, and every copy of it would be compiled.
    log_tail = f.special.log_ndtr(tails.astype(u.dtype) * u[..., :whitened])
    parameters, first = {LEVEL: u[..., : layout.channels]}, 0
    for block in blocks:
        size = math.prod(block.shape)
        part = slice(first, first + size)
        values = block.prior.quantile(u[..., part], log_tail[..., part], f)
        parameters[block.name] = values.reshape((*u.shape[:-1], *block.shape))
        first += size
    if layout.linear:
        parameters[LINEAR] = u[..., whitened:].reshape(*u.shape[:-1], layout.markets, layout.linear)
    return parameters


def _whitened_size(layout: Layout) -> int:
    return sum(math.prod(block.shape) for block in _blocks(layout))


def _blocks(layout: Layout) -> list[_Block]:
    channels, markets = layout.channels, layout.markets
    blocks = [_Block(COEFFICIENT_QUANTILE, (channels,), UNIT_HALF_NORMAL)]
    blocks += [_Block(own.name, (channels,), own.prior) for own in layout.transform.parameters]
    if layout.hierarchy:
        blocks.append(_Block(MARKET_QUANTILE, (markets, channels), UNIT_HALF_NORMAL))
    if layout.signed_features:
        blocks.append(_Block(SIGNED_QUANTILE, (markets, layout.signed_features), UNIT_HALF_NORMAL))
    blocks += [_Block(own.name, (), own.prior) for component in layout.parametric for own in component.parameters]
    blocks.append(_Block("noise_sd", (markets,), NOISE_SD_PRIOR))
    if layout.noise == "student_t":
        blocks.append(_Block(NOISE_EXCESS, (), NOISE_EXCESS_PRIOR))
    return blocks
