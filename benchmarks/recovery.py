"""Does the model find what is true? ROI of simulated markets whose truth is known, against the posterior.

Every market has its own prices, buying patterns, carry-over, saturation and ROI. It is fitted on all its days by a spec
of its own family, and every channel's true ROI is held against the posterior: how often does it lie inside the central
50 % and 90 % intervals, and how wide is the posterior beside the prior. A market whose fit did not converge is listed
and counts for nothing. The truths are spread over plausible ranges, not drawn from the prior, so coverage need not
equal the nominal value where the prior decides: that is why it is told by how much the data said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from mmm_pipeline.mmm import ConvergenceThresholds, ModelSpec, SamplerSettings, model_data, sample
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.response.attribution import attribution
from mmm_pipeline.mmm.simulation.simulate import simulate_market

__all__ = ["BANDS", "coverage_rows", "main", "recovered", "table"]

RESULT = Path(__file__).parent / "results" / "recovery.json"
BANDS = {"well identified": (0.0, 0.5), "weakly identified": (0.5, 0.8), "prior only": (0.8, np.inf)}
"""By `prior_width_ratio`; the last is what reports call "the data says nothing about this channel"."""
_LEVELS = (0.5, 0.9)
# What 800 draws can meet; the pipeline's own thresholds ask for more draws.
_THRESHOLDS = ConvergenceThresholds(rhat_max=1.03, ess_min=100, divergence_share_max=0.01)


def main(argv: list[str]) -> None:
    """Fit the markets, print the coverage table, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks recovery", description=__doc__.splitlines()[0])
    parser.add_argument("--markets", type=int, default=20, help="of each adstock")
    parser.add_argument("--adstock", choices=MEDIA_TRANSFORMS, action="append", help="repeatable; default: all")
    parser.add_argument("--channels", type=int, default=5)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--noise", type=float, default=0.05, help="standard deviation over the mean KPI")
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=400)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args(argv)
    sampler = SamplerSettings(chains=options.chains, warmup=options.warmup, draws=options.draws, max_escalations=1)

    began = time.perf_counter()
    markets = []
    for adstock in options.adstock or MEDIA_TRANSFORMS:
        for seed in range(options.markets):
            market = recovered(adstock, seed, options.channels, options.days, options.noise, sampler)
            markets.append(market)
            verdict = "converged" if market["converged"] else "DID NOT CONVERGE"
            inside = sum(abs(channel["rank"] - 0.5) <= 0.45 for channel in market["channels"])
            print(f"{adstock} {seed}: {verdict}, {inside} of {len(market['channels'])} inside, "
                  f"{market['seconds']:.0f} s", flush=True)  # fmt: skip
    rows = coverage_rows(markets)
    report = {
        "size": {
            name: getattr(options, name)
            for name in ("markets", "channels", "days", "noise", "chains", "warmup", "draws")
        },
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "seconds": round(time.perf_counter() - began, 1),
        "coverage": rows,
        "markets": markets,
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(_document(report), encoding="utf-8")
    silent = [channel for market in markets for channel in market["channels"] if channel["width_ratio"] >= 0.8]
    print(f"\n{table(rows)}\n\n{len(silent)} channels are only prior: the data says nothing about them, more spend "
          f"variation or a lift test is needed\nwritten: {options.result}")  # fmt: skip


def _document(report: dict[str, Any]) -> str:
    """JSON with one line a channel: readable, and a change shows where it is."""
    text = json.dumps(report, indent=1)
    return (
        re.sub(r"\{\s+(\"channel\".*?)\s+\}", lambda found: "{" + re.sub(r"\s+", " ", found[1]) + "}", text, flags=re.S)
        + "\n"
    )


def recovered(
    adstock: Any, seed: int, channels: int, days: int, noise: float, sampler: SamplerSettings
) -> dict[str, Any]:
    """One market: per channel the true ROI, its posterior, and the posterior's share below the truth (`rank`)."""
    market = simulate_market(channels=channels, days=days, seed=seed, adstock=adstock, noise=noise)
    fit = sample(ModelSpec(adstock, 1), model_data(market.dataset()), sampler, _THRESHOLDS)
    true_roi = market.contributions.sum(axis=0) / market.spend.sum(axis=0)
    draws = fit.contributions().sum("time").to_numpy().reshape(-1, channels) / market.spend.sum(axis=0)
    rows = attribution(fit).table.to_dict("records")
    return {
        "adstock": adstock,
        "seed": seed,
        "converged": fit.convergence.converged,
        "missed": list(fit.convergence.failures),
        "seconds": round(fit.seconds, 1),
        "channels": [
            {
                "channel": truth.name,
                "pattern": truth.pattern,
                "true_roi": round(float(true_roi[c]), 4),
                **{name: round(float(rows[c][name]), 4) for name in ("roi", "roi_low", "roi_high")},
                "width_ratio": round(float(rows[c]["prior_width_ratio"]), 4),
                "rank": round(float((draws[:, c] < true_roi[c]).mean()), 4),
            }
            for c, truth in enumerate(market.channels)
        ],
    }


def coverage_rows(markets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Coverage of the central intervals by adstock and band, with the exact binomial interval around each share.

    Channels of one market share its noise, so the binomial interval is a little too narrow.
    """
    rows = []
    good = [market for market in markets if market["converged"]]
    for adstock in dict.fromkeys(market["adstock"] for market in markets):
        channels = [channel for market in good if market["adstock"] == adstock for channel in market["channels"]]
        for band, (low, high) in BANDS.items():
            ranks = np.array([channel["rank"] for channel in channels if low <= channel["width_ratio"] < high])
            if not ranks.size:
                continue
            row: dict[str, Any] = {"adstock": adstock, "band": band, "channels": int(ranks.size)}
            for level in _LEVELS:
                inside = int((np.abs(ranks - 0.5) <= level / 2).sum())
                error = binomtest(inside, ranks.size).proportion_ci(0.95, method="exact")
                row[f"coverage_{level:.0%}"] = round(inside / ranks.size, 3)
                row[f"error_{level:.0%}"] = [round(float(error.low), 3), round(float(error.high), 3)]
                row[f"within_error_{level:.0%}"] = bool(error.low <= level <= error.high)
            rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The coverage as a Markdown table."""
    lines = ["| family | channels that are | number | inside 50 % | inside 90 % | 95 % range of the latter |"]
    lines.append("| --- | --- | ---: | ---: | ---: | --- |")
    lines += [
        f"| {row['adstock']} | {row['band']} | {row['channels']} | {row['coverage_50%']:.0%} "
        f"| {row['coverage_90%']:.0%} | {row['error_90%'][0]:.0%} to {row['error_90%'][1]:.0%}"
        f"{'' if row['within_error_90%'] else ' (**90 % is outside**)'} |"
        for row in rows
    ]
    return "\n".join(lines)
