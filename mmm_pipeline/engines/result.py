"""What an engine answers: one schema, by which every answer is judged before anything is believed of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.engines.request import CONTRACT
from mmm_pipeline.errors import EngineError

__all__ = ["ChannelResult", "EngineResult", "ForecastDay", "parse_result", "read_result"]

_LARGEST = 500_000_000
"""Bytes; a result of 1,000 days and 100 channels has about 5 million."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelResult(_Part):
    """One channel over the train days; intervals are empty for an engine with a point estimate only.

    `roi_ess` is the effective number of draws behind `roi`, so that roi_sd / sqrt(roi_ess) is its Monte Carlo error.
    """

    channel: str
    spend: NotNegative
    contribution: Finite
    contribution_low: Finite | None
    contribution_high: Finite | None
    roi: Finite
    roi_low: Finite | None
    roi_high: Finite | None
    roi_sd: NotNegative | None
    roi_ess: NotNegative | None


class ForecastDay(_Part):
    """One holdout day: expected KPI and the interval of the KPI itself."""

    date: str
    mean: Finite
    low: Finite | None
    high: Finite | None


class Curve(_Part):
    """Expected KPI per day of a channel at constant daily spends."""

    channel: str
    spend: tuple[NotNegative, ...]
    kpi: tuple[Finite, ...]
    low: tuple[Finite, ...] | None
    high: tuple[Finite, ...] | None


class ParameterSummary(_Part):
    """Posterior of one scalar parameter, on the engine's own scale."""

    parameter: str
    mean: Finite
    sd: NotNegative
    rhat: Finite | None
    ess_bulk: Finite | None
    ess_tail: Finite | None


class PlannedChannel(_Part):
    """One line of the engine's own budget for the next horizon, currency."""

    channel: str
    spend_now: NotNegative
    spend: NotNegative


class EngineResult(_Part):
    """The answer; fields as in `engines/exchange.py`."""

    contract: int
    fingerprint: str
    version: str
    versions: dict[str, str]
    model: str = Field(max_length=200)
    seconds_fit: NotNegative
    seconds_total: NotNegative
    divergences: int | None
    channels: tuple[ChannelResult, ...]
    baseline: tuple[Finite, ...] | None
    contributions: tuple[tuple[Finite, ...], ...] | None
    holdout: tuple[ForecastDay, ...]
    curves: tuple[Curve, ...]
    parameters: tuple[ParameterSummary, ...]
    plan: tuple[PlannedChannel, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def rhat_max(self) -> float | None:
        """Largest over all parameters; None without a posterior."""
        return max((row.rhat for row in self.parameters if row.rhat is not None), default=None)

    @property
    def ess_roi_min(self) -> float | None:
        """Effective draws behind the ROI of the channel that has fewest: the one figure all samplers share."""
        found = [row.roi_ess for row in self.channels if row.roi_ess is not None]
        return min(found) if len(found) == len(self.channels) else None


def read_result(path: Path, engine: Engine, request: Mapping[str, Any]) -> EngineResult:
    """The answer in a file that a runner wrote, judged.

    Raises:
        EngineError: there is no answer, or it is none to this request.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise EngineError(f"{engine.title} wrote {path.stat().st_size:,} bytes, more than a result can be")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EngineError(f"{engine.title} ended without an error and without a result") from error
    except (OSError, ValueError) as error:
        raise EngineError(f"{engine.title} wrote a result that is no JSON: {error}") from error
    return parse_result(content, engine, request)


def parse_result(content: Any, engine: Engine, request: Mapping[str, Any]) -> EngineResult:
    """The answer as a value; raises EngineError when it is none to this request."""
    told = content.get("contract") if isinstance(content, dict) else None
    if told != CONTRACT:
        raise EngineError(
            f"{engine.title} answered by contract {told!r}, this pipeline reads {CONTRACT}: "
            f"bring {engine.runner} up to date"
        )
    try:
        result = EngineResult.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise EngineError(
            f"{engine.title} wrote a result that breaks the contract in {error.error_count()} place(s); the first: "
            f"{where}: {first['msg']}"
        ) from error
    problem = _mismatch(result, engine, request)
    if problem:
        raise EngineError(f"{engine.title} wrote a result that does not fit the request: {problem}")
    return result


def _mismatch(result: EngineResult, engine: Engine, request: Mapping[str, Any]) -> str:
    """Why the answer is none to this request; empty when it is one."""
    if result.version != engine.version:
        return (
            f"it is {engine.package} {result.version}, pinned is {engine.version}: "
            f"run `mmm engines install {engine.name}`"
        )
    if result.fingerprint != request["fingerprint"]:
        return "it is of another request"
    if [row.channel for row in result.channels] != request["channels"]:
        return f"it has channels {[row.channel for row in result.channels][:5]}, asked were {request['channels'][:5]}"
    days = request["dates"][request["train_days"] :]
    if [row.date for row in result.holdout] != days:
        return f"it forecasts {len(result.holdout)} days, asked were the {len(days)} of the holdout"
    intervals = [(row.channel, row.roi_low, row.roi_high) for row in result.channels]
    intervals += [(row.date, row.low, row.high) for row in result.holdout]
    for name, low, high in intervals:
        if (low is None) != (high is None) or (low is not None and high is not None and low > high):
            return f"the interval of {name} runs from {low} to {high}"
    return ""
