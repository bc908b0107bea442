"""What all runners share: reading the request, summarising draws, writing the result.

A runner lives in an environment of its own, so this file needs the standard library, NumPy and `dagster-pipes` only,
runs on every Python from 3.10 on, and imports nothing of `mmm_pipeline`. Both files are JSON: `request.json` is written
by the pipeline, `result.json` by `serve`, into the folder that is the runner's only argument. The request holds the KPI
of the train days only, so that no engine can see what it is scored on.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "CONTRACT",
    "Markets",
    "Request",
    "Result",
    "channel_result",
    "forecast",
    "parameters",
    "read_request",
    "serve",
]

CONTRACT = 2
"""Version of the two files; the pipeline refuses a result of another."""


@dataclass(frozen=True)
class Markets:
    """The same media and KPI, market by market; W markets.

    Attributes:
        media, spend: (W, T + H, C).
        kpi: (W, T).
    """

    names: tuple[str, ...]
    media: np.ndarray
    spend: np.ndarray
    kpi: np.ndarray


@dataclass(frozen=True)
class Request:
    """What is to be fitted; T train days, H holdout days, C channels, F features.

    Attributes:
        model: which of the pipeline's specs is wanted, e.g. `carryover|1`; engines with one model only ignore it.
        saturation: saturation of that spec, e.g. `power`, `Hill` or `logistic`, for engines that take the closest.
        dates: T + H ISO dates, consecutive.
        media, spend: (T + H, C) media units and currency.
        kpi: (T,) KPI units.
        feature_values: (T + H, F).
        chains, warmup, draws, seed: of the sampler; counts are per chain.
        target_accept: target acceptance of a NUTS sampler; None: the engine's own.
        markets: where the pipeline keeps markets apart, what the totals above are made of; for engines with geos.
        roi_priors: channel -> (mean, standard deviation) of what is believed of its ROI.
        plan: whether the engine's own budget for `horizon_days` days is wanted, where it makes one.
        files: folder for pictures and pages that are kept beside the result.
    """

    model: str
    saturation: str
    dates: tuple[str, ...]
    train_days: int
    channels: tuple[str, ...]
    media: np.ndarray
    spend: np.ndarray
    kpi: np.ndarray
    features: tuple[str, ...]
    feature_values: np.ndarray
    degrees: int
    seasonality_period_days: float
    weekday: bool
    chains: int
    warmup: int
    draws: int
    target_accept: float | None
    seed: int
    credible_interval: float
    plan: bool
    horizon_days: int
    roi_priors: Mapping[str, tuple[float, float]]
    fingerprint: str
    files: Path
    markets: Markets | None = None

    @property
    def holdout_days(self) -> int:
        return len(self.dates) - self.train_days

    @property
    def train_spend(self) -> np.ndarray:
        """(C,) currency over the train days."""
        return self.spend[: self.train_days].sum(axis=0)

    @property
    def train_media(self) -> np.ndarray:
        """(T, C)"""
        return self.media[: self.train_days]

    def spend_grid(self, points: int = 21) -> np.ndarray:
        """(points, C) daily spends from 0 to twice each channel's largest day."""
        return np.linspace(0.0, 2.0, points)[:, None] * self.spend[: self.train_days].max(axis=0)


@dataclass
class Result:
    """What an engine says. Everything is in KPI units and currency, and of the train days but for `holdout`.

    Attributes:
        model: the model in a few words, e.g. `carryover|1`.
        channels: one `channel_result` per channel of the request, in its order.
        baseline: (T,) expected KPI per day without media; None where the engine does not tell.
        contributions: (T, C) expected KPI per day and channel; None likewise.
        holdout: `forecast` of the holdout days; None where there are none.
        curves: per channel `channel`, `spend`, `kpi`, `low`, `high`; may be empty.
        parameters: the posterior summary of `parameters`; empty for an engine without a posterior.
        seconds_fit: wall time of the fit alone, compilation included.
        plan: the engine's own budget for the next horizon: `channel`, `spend_now`, `spend`; may be empty.
        notes: what a reader must know, in English.
    """

    model: str
    channels: Sequence[Mapping[str, Any]]
    holdout: Sequence[Mapping[str, Any]]
    seconds_fit: float
    baseline: np.ndarray | None = None
    contributions: np.ndarray | None = None
    curves: Sequence[Mapping[str, Any]] = ()
    parameters: Sequence[Mapping[str, Any]] = ()
    divergences: int | None = None
    plan: Sequence[Mapping[str, Any]] = ()
    notes: list[str] = field(default_factory=list)


def serve(package: str, fit: Callable[[Request, Callable[[str], None]], Result], also: Sequence[str] = ()) -> None:
    """Run `fit` on the request of the folder in `sys.argv[1]` and write what it returns, whole or not at all.

    Args:
        package: distribution whose version is that of the engine.
        fit: given the request and a function that logs one line to Dagster.
        also: further distributions whose versions are told.
    """
    from dagster_pipes import open_dagster_pipes

    folder = Path(sys.argv[1])
    with open_dagster_pipes() as pipes:
        # Without Dagster around it the runner still works, and talks to its terminal.
        say = pipes.log.info if "DAGSTER_PIPES_CONTEXT" in os.environ else print
        request = read_request(folder)
        began = time.perf_counter()
        result = fit(request, say)
        versions = {name: importlib.metadata.version(name) for name in (package, *also)}
        document = {
            "contract": CONTRACT,
            "fingerprint": request.fingerprint,
            "version": versions[package],
            "versions": {"python": platform.python_version(), **versions},
            "model": result.model,
            "seconds_fit": result.seconds_fit,
            "seconds_total": time.perf_counter() - began,
            "divergences": result.divergences,
            "channels": list(result.channels),
            "baseline": result.baseline,
            "contributions": result.contributions,
            "holdout": list(result.holdout),
            "curves": list(result.curves),
            "parameters": list(result.parameters),
            "plan": list(result.plan),
            "notes": result.notes,
            "files": sorted(path.name for path in request.files.iterdir()),
        }
        part = folder / "result.json.part"
        part.write_text(json.dumps(_plain(document), allow_nan=False), encoding="utf-8")
        part.replace(folder / "result.json")


def read_request(folder: Path) -> Request:
    """The request of a folder; ends the process with one line when it is of another contract."""
    content = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    if content["contract"] != CONTRACT:
        sys.exit(f"the request is of contract {content['contract']}, this runner speaks {CONTRACT}")
    files = folder / "files"
    files.mkdir(exist_ok=True)
    days, features = len(content["dates"]), content["features"]
    arrays = {name: np.asarray(content.pop(name), dtype=float) for name in ("media", "spend", "kpi")}
    values = np.asarray(content.pop("feature_values"), dtype=float).reshape(days, len(features))
    beliefs = {prior["channel"]: (prior["mean"], prior["sd"]) for prior in content.pop("roi_priors")}
    del content["contract"]
    names = {name: tuple(content.pop(name)) for name in ("dates", "channels", "features")}
    apart = content.pop("markets", None)
    if apart is not None:
        apart = Markets(
            tuple(apart["names"]), *(np.asarray(apart[name], dtype=float) for name in ("media", "spend", "kpi"))
        )
    return Request(**content, **names, **arrays, feature_values=values, roi_priors=beliefs, files=files, markets=apart)


def channel_result(request: Request, channel: int, totals: np.ndarray) -> dict[str, Any]:
    """One channel's contribution and ROI over the train days, from draws of its contribution.

    Args:
        request: what was asked.
        channel: its position.
        totals: (chain, draw) KPI caused over the train days; (1, 1) for an engine with a point estimate only.
    """
    spend = float(request.train_spend[channel])
    row: dict[str, Any] = {"channel": request.channels[channel], "spend": spend}
    low, high = _interval(request, totals.ravel())
    for name, unit in (("contribution", 1.0), ("roi", spend)):
        row[name] = float(totals.mean()) / unit
        row[f"{name}_low"] = None if low is None else low / unit
        row[f"{name}_high"] = None if high is None else high / unit
    sampled = totals.size > 1
    row["roi_sd"] = float(totals.std(ddof=1)) / spend if sampled else None
    row["roi_ess"] = _effective_draws(totals) if sampled and totals.shape[1] > 3 else None
    return row


def forecast(request: Request, draws: np.ndarray, mean: np.ndarray | None = None) -> list[dict[str, Any]]:
    """The holdout days, from draws (S, H) of the KPI, noise included; a single draw is a point forecast.

    `mean` (H,), where given, is the expected KPI without the noise of the draws.
    """
    rows = []
    for day, date in enumerate(request.dates[request.train_days :]):
        low, high = _interval(request, draws[:, day])
        middle = float(draws[:, day].mean() if mean is None else mean[day])
        rows.append({"date": date, "mean": middle, "low": low, "high": high})
    return rows


def curves(request: Request, kpi_draws: np.ndarray) -> list[dict[str, Any]]:
    """Response curves from draws (S, points, C) of the KPI per day at the spends of `request.spend_grid(points)`."""
    grid = request.spend_grid(kpi_draws.shape[1])
    tails = [(1 - request.credible_interval) / 2, (1 + request.credible_interval) / 2]
    low, high = np.quantile(kpi_draws, tails, axis=0)
    mean = kpi_draws.mean(axis=0)
    return [
        {"channel": name, "spend": grid[:, c], "kpi": mean[:, c], "low": low[:, c], "high": high[:, c]}
        for c, name in enumerate(request.channels)
    ]


def parameters(draws: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Mean, standard deviation, rank-normalised R-hat and effective draws of every scalar of (chain, draw, ...)."""
    rows = []
    for name, values in draws.items():
        array = np.asarray(values, dtype=float)
        flat = array.reshape(*array.shape[:2], -1)
        for position in range(flat.shape[2]):
            scalar = flat[:, :, position]
            label = name if flat.shape[2] == 1 else f"{name}[{position}]"
            rows.append({"parameter": label, "mean": scalar.mean(), "sd": scalar.std(ddof=1), **_diagnostics(scalar)})
    return rows


def _diagnostics(scalar: np.ndarray) -> dict[str, float | None]:
    """Empty for a parameter that does not vary, and for a single chain's R-hat."""
    import arviz as az

    if scalar.std() == 0:
        return {"rhat": None, "ess_bulk": None, "ess_tail": None}
    return {
        "rhat": float(az.rhat(scalar, method="rank")) if len(scalar) > 1 else None,
        "ess_bulk": float(az.ess(scalar, method="bulk")),
        "ess_tail": float(az.ess(scalar, method="tail")),
    }


def _effective_draws(totals: np.ndarray) -> float | None:
    import arviz as az

    return float(az.ess(totals, method="mean")) if totals.std() > 0 else None


def _interval(request: Request, draws: np.ndarray) -> tuple[float | None, float | None]:
    if draws.size < 2:
        return None, None
    tails = [(1 - request.credible_interval) / 2, (1 + request.credible_interval) / 2]
    low, high = np.quantile(draws, tails)
    return float(low), float(high)


def _plain(value: Any) -> Any:
    """JSON values; a number that is not finite has no place in a result, and becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
