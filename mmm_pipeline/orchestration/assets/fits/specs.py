"""From settings to the statistical core's immutable specs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mmm_pipeline.mmm.identity import identity
from mmm_pipeline.mmm.specs import (
    ConvergenceThresholds,
    FeatureSign,
    MediaPrior,
    ModelSpec,
    Priors,
    SamplerSettings,
)
from mmm_pipeline.settings.model import MediaPriorSettings
from mmm_pipeline.settings.pipeline import Settings

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from mmm_pipeline.mmm.data.model_data import ModelData

__all__ = ["convergence_thresholds", "fit_fingerprint", "model_spec", "sampler_settings", "spec_of_key"]
__all__ += ["MODEL_VERSION", "checked_priors", "said_before_the_fit", "told_prior_change"]

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


def told_prior_change(before: MediaPrior, settings: Settings) -> str | None:
    """What a run must be told whose champion of before had another prior on media; None: it is the same."""
    now = settings.priors.media.prior()
    if now == before:
        return None
    keep = f"{{kind: {before.kind}}}"
    if before.kind != "spend_share":
        keep = f"{{kind: {before.kind}, mean: {before.mean:g}, sd: {before.sd:g}}}"
    default = ", which is the default now" if settings.priors.media == MediaPriorSettings() else ""
    return (
        f"the results in this home were made with the media prior {_told(before)}; this run uses {_told(now)}{default}"
        ". "
        "What channels bring and what the plan says will change for that reason alone. To keep the earlier prior, set "
        f"priors: {{media: {keep}}}"
    )


def _told(prior: MediaPrior) -> str:
    if prior.kind == "spend_share":
        return "spend_share (LightweightMMM's: the share of spend times the number of channels)"
    if prior.kind == "roi":
        return f"roi (every channel's ROI is {prior.mean:g} ± {prior.sd:g})"
    return f"total_share (all media cause {prior.mean:.0%} ± {prior.sd:.0%} of the KPI)"


def checked_priors(settings: Settings, dataset: xr.Dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The contracts `prior_check` and `prior_kpi`: what the priors of every transform imply on the train window."""
    import pandas as pd

    from mmm_pipeline.mmm.data.model_data import train_data
    from mmm_pipeline.mmm.sensitivity.prior_check import prior_check

    data = train_data(dataset)
    found = [
        prior_check(
            model_spec(settings, adstock, settings.model.degrees[0], data),
            data,
            credible_interval=settings.report.credible_interval,
            seed=settings.sampler.seed,
        )
        for adstock in settings.model.adstocks
    ]
    tables, series = ([getattr(each, name) for each in found] for name in ("table", "series"))
    return pd.concat(tables, ignore_index=True), pd.concat(series, ignore_index=True)


def said_before_the_fit(settings: Settings, dataset: xr.Dataset) -> list[str]:
    """What data and settings already decide: of the budget, and of what the priors imply, which is always said."""
    from mmm_pipeline.operations.budget_requests import require_possible_budget
    from mmm_pipeline.operations.prior_checks import prior_sentence, prior_warnings

    told = require_possible_budget(settings.budget, dataset)
    table, _ = checked_priors(settings, dataset)
    first = table.loc[table["channel"].isna()].iloc[0].to_dict()
    return [
        *told,
        *(prior_warnings(table, settings) or [prior_sentence({str(name): first[name] for name in first}, settings)]),
    ]


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
