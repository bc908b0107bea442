"""Engines against the truth: ROI of simulated markets, as this package and every installed engine see it.

Every market is split as the pipeline splits it; all engines get the same train days and forecast the same holdout. An
engine's error is |ROI - true ROI| / true ROI, the truth being that of the train days; its coverage is how often the 90%
interval holds the truth. Markets are drawn from `simulate_market`, whose media effects are of one of this package's own
families: that favours this package and LightweightMMM, and is told with the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mmm_pipeline.engines.catalog import Engine, catalog
from mmm_pipeline.engines.environments import environment_of
from mmm_pipeline.engines.ours import our_view
from mmm_pipeline.engines.process import run_engine
from mmm_pipeline.engines.request import build_request
from mmm_pipeline.engines.result import ChannelResult, ForecastDay
from mmm_pipeline.errors import EngineError
from mmm_pipeline.mmm import ModelSpec, SamplerSettings, sample, train_data
from mmm_pipeline.mmm.data.model_data import holdout_of, train_days
from mmm_pipeline.mmm.evaluation.metrics import mape
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS
from mmm_pipeline.mmm.simulation.simulate import simulate_market
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.tables.engines import OURS

__all__ = ["main", "row_of", "summary", "table"]

RESULT = Path(__file__).parent / "results" / "engines.json"
_LEVEL = 0.9


def main(argv: list[str]) -> None:
    """Ask every installed engine about every market, print the table, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks engines", description=__doc__.splitlines()[0])
    parser.add_argument("--markets", type=int, default=3, help="of each adstock")
    parser.add_argument(
        "--adstock", choices=LIGHTWEIGHT_TRANSFORMS, action="append", help="repeatable; default: carryover"
    )
    parser.add_argument("--channels", type=int, default=5)
    parser.add_argument("--days", type=int, default=128)
    parser.add_argument("--noise", type=float, default=0.05, help="standard deviation over the mean KPI")
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--timeout-minutes", type=float, default=30)
    parser.add_argument("--engine", action="append", help="repeatable; default: all that are installed")
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args(argv)
    counts = {name: getattr(options, name) for name in ("chains", "warmup", "draws")}
    settings = parse_settings({"engines": {**counts, "timeout_minutes": options.timeout_minutes}})
    engines = _installed(options.engine)
    rows: list[dict[str, Any]] = []
    for adstock in options.adstock or ("carryover",):
        for seed in range(options.markets):
            market = simulate_market(
                channels=options.channels, days=options.days, seed=seed, adstock=adstock, noise=options.noise
            )
            dataset = market.dataset()
            train = train_days(dataset)
            truth = market.contributions[:train].sum(axis=0) / market.spend[:train].sum(axis=0)
            observed = market.kpi[train:]
            own = _ours(dataset, adstock, SamplerSettings(**counts, max_escalations=0))
            rows.append({"adstock": adstock, "seed": seed, **row_of(*own, truth, observed)})
            for engine in engines:
                answer = _theirs(engine, dataset, adstock, settings, truth, observed)
                rows.append({"adstock": adstock, "seed": seed, **answer})
            for row in rows[-1 - len(engines) :]:
                print(f"{adstock} {seed} {row['engine']}: {row.get('problem') or _line(row)}", flush=True)
    report = {
        "size": {name: getattr(options, name) for name in ("markets", "channels", "days", "noise")} | counts,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_after": round(os.getloadavg()[0], 1),
        },
        "summary": summary(rows),
        "markets": rows,
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"\n{table(report['summary'])}\n\nwritten: {options.result}")


def row_of(
    engine: str,
    channels: tuple[ChannelResult, ...],
    holdout: tuple[ForecastDay, ...],
    seconds: float,
    rhat: float | None,
    truth: np.ndarray,
    observed: np.ndarray,
) -> dict[str, Any]:
    """One engine on one market: error and coverage of ROI by channel, error on the holdout, seconds."""
    roi = np.array([channel.roi for channel in channels])
    held = [
        bool(channel.roi_low <= true <= channel.roi_high)
        for channel, true in zip(channels, truth, strict=True)
        if channel.roi_low is not None and channel.roi_high is not None
    ]
    return {
        "engine": engine,
        "roi_errors": [round(float(error), 4) for error in np.abs(roi - truth) / truth],
        "held": held,
        "holdout_mape": round(mape(observed, np.array([day.mean for day in holdout])), 4),
        "rhat_max": None if rhat is None else round(rhat, 3),
        "seconds": round(seconds, 1),
    }


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per engine: median relative error of ROI, coverage, mean holdout MAPE, median seconds, failures."""
    found = []
    for engine in dict.fromkeys(row["engine"] for row in rows):
        own = [row for row in rows if row["engine"] == engine]
        good = [row for row in own if "problem" not in row]
        errors = [error for row in good for error in row["roi_errors"]]
        held = [inside for row in good for inside in row["held"]]
        found.append(
            {
                "engine": engine,
                "markets": len(own),
                "failed": len(own) - len(good),
                "roi_error_median": round(float(np.median(errors)), 3) if errors else None,
                "coverage": round(float(np.mean(held)), 3) if held else None,
                "channels": len(errors),
                "holdout_mape": round(float(np.mean([row["holdout_mape"] for row in good])), 4) if good else None,
                "seconds": round(float(np.median([row["seconds"] for row in good])), 1) if good else None,
            }
        )
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """The summary as a Markdown table."""
    lines = [
        "| engine | markets (failed) | ROI: median error | truth inside 90 % interval | holdout MAPE | seconds a fit |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        figures = [
            "-" if row["roi_error_median"] is None else f"{row['roi_error_median']:.0%}",
            "-" if row["coverage"] is None else f"{row['coverage']:.0%} of {row['channels']}",
            "-" if row["holdout_mape"] is None else f"{row['holdout_mape']:.1%}",
            "-" if row["seconds"] is None else f"{row['seconds']:.0f}",
        ]
        lines.append(f"| {row['engine']} | {row['markets']} ({row['failed']}) | {' | '.join(figures)} |")
    return "\n".join(lines)


def _installed(names: list[str] | None) -> list[Engine]:
    """The engines that are installed, or of those named; what is not installed is said and left out."""
    found = []
    for engine in catalog().values():
        if names and engine.name not in names:
            continue
        try:
            environment_of(engine).interpreter()
        except EngineError as error:
            print(f"left out: {error}")
            continue
        found.append(engine)
    return found


def _ours(dataset: Any, adstock: Any, sampler: SamplerSettings) -> tuple[Any, ...]:
    fit = sample(ModelSpec(adstock, 1), train_data(dataset), sampler)
    view = our_view(fit, holdout_of(dataset), credible_interval=_LEVEL, counts=True)
    return OURS, view.channels, view.holdout, float(fit.seconds), view.rhat_max


def _theirs(
    engine: Engine, dataset: Any, adstock: str, settings: Settings, truth: np.ndarray, observed: np.ndarray
) -> dict[str, Any]:
    request = build_request(dataset, settings, engine, f"{adstock}|1")
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = run_engine(
                engine,
                environment_of(engine).interpreter(),
                request,
                Path(folder),
                timeout_seconds=60 * settings.engines.timeout_minutes,
            )
        except EngineError as error:
            return {"engine": engine.name, "problem": str(error)}
    return row_of(engine.name, result.channels, result.holdout, result.seconds_fit, result.rhat_max, truth, observed)


def _line(row: dict[str, Any]) -> str:
    error = float(np.median(row["roi_errors"]))
    return (
        f"ROI off by {error:.0%} (median), {sum(row['held'])} of {len(row['held'])} inside, holdout MAPE "
        f"{row['holdout_mape']:.1%}, {row['seconds']:.0f} s"
    )
