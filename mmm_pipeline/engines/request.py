"""What an engine is asked: the stored model inputs and the settings, as one JSON document."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.mmm.media.registry import media_transform
from mmm_pipeline.settings.pipeline import Settings

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CONTRACT", "build_request"]

CONTRACT = 2
"""Version of request and result; `engines/exchange.py` has the same."""


def build_request(dataset: xr.Dataset, settings: Settings, engine: Engine, key: str) -> dict[str, Any]:
    """The request of one engine; markets that are kept apart are added up, and told beside that for those with geos.

    The KPI of the holdout is not in it. `fingerprint` changes with everything the answer depends on: the request
    itself, the engine's version, its requirements and its runner.

    Args:
        dataset: the model inputs.
        settings: the sections `engines`, `model`, `priors`, `budget` and `report` count.
        engine: who is asked.
        key: spec of the pipeline's grid, `adstock|degrees`; engines with one model take only the degrees from it.
    """
    from mmm_pipeline.mmm.data.model_data import train_days
    from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid

    adstock, _, degrees = key.partition("|")
    totals = {name: dataset[name] for name in ("media", "spend", "kpi")}
    train, step = train_days(dataset), TimeGrid.of_dates(dataset["time"].to_numpy()).step
    markets: dict[str, Any] = {}
    if "market" in dataset.dims:
        markets = {"markets": _markets(dataset, train)}
        totals = {name: values.sum("market") for name, values in totals.items()}
    channels = [str(name) for name in dataset["channel"].to_numpy()]
    features = [str(name) for name in dataset["feature"].to_numpy()] if "feature" in dataset.dims else []
    values = dataset["feature_values"].transpose("time", "feature").to_numpy() if features else np.empty((0, 0))
    asked = settings.engines
    content: dict[str, Any] = {
        "contract": CONTRACT,
        "model": key,
        "saturation": media_transform(adstock).saturation.title,
        "dates": [str(day) for day in dataset["time"].to_numpy().astype("datetime64[D]")],
        "train_days": train,
        "channels": channels,
        **{name: totals[name].transpose("time", "channel").to_numpy().tolist() for name in ("media", "spend")},
        "kpi": totals["kpi"].to_numpy()[:train].tolist(),
        **markets,
        "features": features,
        "feature_values": values.astype(float).tolist(),
        "degrees": int(degrees),
        # Engines count it in steps of the dates: days, where the data is daily.
        "seasonality_period_days": settings.model.seasonality_period_days / step.mean_days,
        "weekday": settings.model.weekday and step is Step.DAY,
        "chains": asked.chains,
        "warmup": asked.warmup,
        "draws": asked.draws,
        "target_accept": asked.target_accept,
        "seed": settings.sampler.seed,
        "credible_interval": settings.report.credible_interval,
        "plan": asked.plans,
        "horizon_days": min(settings.budget.horizon_periods(step), train),
        "roi_priors": _roi_priors(settings, channels),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    digest.update(f"{engine.name} {engine.version}".encode())
    for file in (engine.requirements, engine.runner, *sorted(_shared(engine))):
        digest.update(file.read_bytes())
    return {**content, "fingerprint": digest.hexdigest()[:32]}


def _markets(dataset: xr.Dataset, train: int) -> dict[str, Any]:
    """W markets: names, media and spend (W, T + H, C), KPI (W, T)."""
    return {
        "names": [str(name) for name in dataset["market"].to_numpy()],
        **{
            name: dataset[name].transpose("market", "time", "channel").to_numpy().tolist()
            for name in ("media", "spend")
        },
        "kpi": dataset["kpi"].transpose("market", "time").to_numpy()[:, :train].tolist(),
    }


def _shared(engine: Engine) -> list[Path]:
    """Modules beside the engines' folders, which runners import."""
    return list(engine.folder.parent.glob("*.py"))


def _roi_priors(settings: Settings, channels: list[str]) -> list[dict[str, Any]]:
    beliefs = settings.priors.roi_priors(channels)
    return [{"channel": prior.channel, "mean": prior.mean, "sd": prior.sd} for prior in beliefs]
