"""From settings to the statistical core's immutable specs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mmm_pipeline.mmm.identity import identity
from mmm_pipeline.mmm.specs import (
    ConvergenceThresholds,
    FeatureSign,
    ModelSpec,
    Priors,
    SamplerSettings,
)
from mmm_pipeline.settings.pipeline import Settings

if TYPE_CHECKING:
    from mmm_pipeline.mmm.data.model_data import ModelData

__all__ = [
    "MODEL_VERSION",
    "convergence_thresholds",
    "fit_fingerprint",
    "model_spec",
    "sampler_settings",
    "spec_of_key",
]

# Raise when the same inputs and settings would give another posterior, e.g. because a registered prior changed, so that
# stored fits are not reused. A new field that changes nothing at its neutral value needs no raise: see `identity`.
MODEL_VERSION = 3


_BELIEFS = {"media", "roi", "lift_tests"}


def model_spec(settings: Settings, adstock: str, degrees: int, data: ModelData) -> ModelSpec:
    """The spec of the settings for the channels and features that a window has; beliefs on others play no part."""
    return ModelSpec(
        adstock=adstock,
        degrees=degrees,
        weekday=settings.model.weekday,
        seasonality_period_days=settings.model.seasonality_period_days,
        priors=Priors(**settings.priors.model_dump(exclude=_BELIEFS)),
        noise=settings.model.noise,
        media_prior=settings.priors.media.prior(),
        roi_priors=settings.priors.roi_priors(data.channels),
        feature_signs=tuple(
            FeatureSign(name, settings.controls.signs[name])
            for name in data.features
            if name in settings.controls.signs
        ),
    )


def spec_of_key(settings: Settings, key: str, data: ModelData) -> ModelSpec:
    """The spec of a partition key such as `carryover|2` for a window."""
    adstock, _, degrees = key.partition("|")
    return model_spec(settings, adstock, int(degrees), data)


def sampler_settings(settings: Settings) -> SamplerSettings:
    return SamplerSettings(**settings.sampler.model_dump())


def convergence_thresholds(settings: Settings) -> ConvergenceThresholds:
    return ConvergenceThresholds(**settings.convergence.model_dump())


def fit_fingerprint(spec: ModelSpec, data: ModelData, settings: Settings) -> str:
    """Hash of everything a posterior depends on; equal means that a stored fit can be reused."""
    digest = hashlib.sha256()
    for part in (MODEL_VERSION, spec, sampler_settings(settings), convergence_thresholds(settings)):
        digest.update(identity(part).encode())
    for market, kpi_scale in enumerate(data.kpi_scale):
        for stacked in (data.media, data.kpi, data.feature_values, data.spend, data.media_scale):
            array = stacked[market]
            digest.update(repr(array.shape).encode())
            digest.update(array.astype("<f8").tobytes())
        digest.update(repr(float(kpi_scale)).encode())
    # What a single market is called changes nothing.
    markets = data.markets if data.several_markets else ()
    names = (str(data.dates[0]), data.channels, data.features, data.events, markets)
    digest.update(repr(names).encode())
    return digest.hexdigest()[:32]
