"""What cannot be fitted is refused by name, before anything is compiled."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import numpy as np

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.baseline.seasonality import most_degrees
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.media.registry import media_transform
from mmm_pipeline.mmm.priors.media import MediaPriorKind
from mmm_pipeline.mmm.priors.roi import ROI_FAMILIES, WIDEST_UNIFORM
from mmm_pipeline.mmm.specs import ModelSpec, Noise, SamplerSettings, Sign

__all__ = ["require_fittable", "require_samplable"]


def require_fittable(spec: ModelSpec, data: ModelData) -> None:
    """Check a model and its window.

    Raises:
        ModelInputError: unknown adstock or noise; a prior scale, period or number of degrees that is impossible; a
            belief on the ROI of a channel that is not fitted, or an impossible one; a sign of an unknown feature;
            values that are not finite; media below zero; a channel without media or spend; no more days than linear
            coefficients.
    """
    media_transform(spec.adstock)
    if spec.noise not in get_args(Noise):
        raise ModelInputError(f"noise is {spec.noise!r}: accepted are {', '.join(get_args(Noise))}")
    if spec.degrees < 0:
        raise ModelInputError(f"degrees is {spec.degrees}: accepted are whole numbers of at least 0")
    _require_positive("seasonality_period_days", spec.seasonality_period_days)
    for prior in fields(spec.priors):
        _require_positive(f"priors.{prior.name}", getattr(spec.priors, prior.name))
    _require_beliefs(spec, data)
    if not data.channels:
        raise ModelInputError("there is no channel to fit: at least one is needed")
    for market, name in enumerate(data.markets):
        _require_values(data, market, f" in market {name!r}" if data.several_markets else "")
    step = data.grid.step
    for c, channel in enumerate(data.channels):
        if not data.media[:, :, c].any():
            raise ModelInputError(
                f"channel {channel!r} has no media {step.on} any of the {step.counted(data.days)}: exclude it"
            )
    if not data.is_paid.any():
        raise ModelInputError("no channel has spend: at least one is needed")
    for channel, scale in zip(data.channels, data.spend_share_scale, strict=True):
        if not (np.isfinite(scale) and scale > 0):
            raise ModelInputError(
                f"channel {channel!r} has spend share {scale:g}, the scale of its coefficient's prior: "
                "it must be positive; exclude the channel or give its spend"
            )
    most = most_degrees(step, spec.seasonality_period_days)
    if spec.degrees > most:
        raise ModelInputError(f"degrees is {spec.degrees}: {step.adverb} data can tell at most {most} apart")
    linear = linear_designs(spec, data)[0].size
    if data.days <= linear:
        raise ModelInputError(
            f"{step.counted(data.days)} cannot carry a model with {linear} linear coefficients ({spec.key}): give at "
            f"least {step.counted(linear + 1)}, or fewer degrees, or leave the weekday out"
        )


def _require_beliefs(spec: ModelSpec, data: ModelData) -> None:
    media = spec.media_prior
    if media.kind not in get_args(MediaPriorKind):
        raise ModelInputError(
            f"priors.media.kind is {media.kind!r}: accepted are {', '.join(get_args(MediaPriorKind))}"
        )
    if media.kind != "spend_share":
        _require_belief("priors.media", media.mean, media.sd, media.family)
    seen: set[str] = set()
    for belief in spec.roi_priors:
        where = f"priors.roi[{belief.channel!r}]"
        if belief.channel not in data.channels:
            raise ModelInputError(f"{where} is no channel of the model: channels are {', '.join(data.channels)}")
        if not data.is_paid[data.channels.index(belief.channel)]:
            raise ModelInputError(f"{where} is organic: it has media and no spend, so that it has no ROI")
        if belief.channel in seen:
            raise ModelInputError(f"{where} is given twice: combine the beliefs into one")
        seen.add(belief.channel)
        _require_belief(where, belief.mean, belief.sd, belief.family)
    for sign in spec.feature_signs:
        if sign.feature not in data.features:
            listed = ", ".join(data.features) or "none"
            raise ModelInputError(f"controls.signs names {sign.feature!r}, no feature of the model: it has {listed}")
        if sign.sign not in get_args(Sign):
            raise ModelInputError(
                f"controls.signs[{sign.feature!r}] is {sign.sign!r}: accepted are {', '.join(get_args(Sign))}"
            )


def _require_belief(where: str, mean: float, sd: float, family: str) -> None:
    _require_positive(f"{where}.mean", mean)
    _require_positive(f"{where}.sd", sd)
    if family not in ROI_FAMILIES:
        raise ModelInputError(f"{where}.family is {family!r}: accepted are {', '.join(ROI_FAMILIES)}")
    if family == "uniform" and sd > WIDEST_UNIFORM * mean:
        raise ModelInputError(
            f"{where} is uniform with mean {mean:g} and sd {sd:g}, which reaches below 0: the sd is at most "
            f"{WIDEST_UNIFORM:.3f} times the mean"
        )


def _require_values(data: ModelData, market: int, where: str) -> None:
    media = data.media[market]
    columns = (("media", media, data.channels), ("feature", data.feature_values[market], data.features))
    for what, values, names in (*columns, ("kpi", data.kpi[market, :, None], ("kpi",))):
        if values.shape != (data.days, len(names)):
            raise ModelInputError(
                f"{what}{where} has shape {values.shape}: expected {(data.days, len(names))}, one row per period"
            )
        for name, column in zip(names, values.T, strict=True):
            if not np.isfinite(column).all():
                day = data.dates[int(np.argmin(np.isfinite(column)))]
                raise ModelInputError(f"{what} {name!r}{where} is not finite on {day}: clean or exclude it")
    for channel, of_channel in zip(data.channels, media.T, strict=True):
        if (of_channel < 0).any():
            raise ModelInputError(
                f"channel {channel!r}{where} has media below zero: accepted are numbers of at least 0"
            )


def require_samplable(sampler: SamplerSettings) -> None:
    """Check sampler settings.

    Raises:
        ModelInputError: a setting that no sampler can follow.
    """
    counts = {"chains": 1, "warmup": 10, "draws": 4, "max_tree_depth": 1, "max_escalations": 0, "max_extensions": 0}
    for name, least in counts.items():
        value = getattr(sampler, name)
        if value < least:
            raise ModelInputError(f"sampler.{name} is {value}: accepted are whole numbers of at least {least}")
    if not 0 < sampler.target_accept < 1:
        raise ModelInputError(f"sampler.target_accept is {sampler.target_accept}: accepted are numbers between 0 and 1")


def _require_positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ModelInputError(f"{name} is {value}: accepted are finite numbers above 0")
