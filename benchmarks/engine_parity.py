"""The same posterior? ROI and holdout forecast of this package and of the original `lightweight-mmm`, on the same data.

Both claim the same model, so that their posterior means may differ by Monte Carlo error only: each channel's difference
of ROI is divided by the standard error of the two means, from standard deviation and effective draws of each side. Of
right means, 1 in 20 is beyond 2, and hardly any beyond 3. The share of contribution differs as ROI does, by the spend.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.windows import benchmark_inputs
from mmm_pipeline.engines.catalog import engine_named
from mmm_pipeline.engines.environments import environment_of
from mmm_pipeline.engines.ours import our_view
from mmm_pipeline.engines.process import run_engine
from mmm_pipeline.engines.request import build_request
from mmm_pipeline.engines.result import ChannelResult
from mmm_pipeline.errors import EngineError
from mmm_pipeline.mmm import ModelSpec, SamplerSettings, sample, train_data
from mmm_pipeline.mmm.data.model_data import holdout_of
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS
from mmm_pipeline.settings.pipeline import parse_settings

__all__ = ["main", "scaled_differences"]

RESULTS = Path(__file__).parent / "results"


def main(argv: list[str]) -> None:
    """Fit both, print the differences, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks engine_parity", description=__doc__.splitlines()[0])
    parser.add_argument("--adstock", choices=LIGHTWEIGHT_TRANSFORMS, default="carryover")
    parser.add_argument("--degrees", type=int, default=1)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--target-accept", type=float, help="of the original; default: its own, .85")
    parser.add_argument("--export", type=Path, help="campaign file; default: MMM_CAMPAIGN_DATA, else simulated")
    parser.add_argument("--result", type=Path, help="default: benchmarks/results/engine_parity_ADSTOCK.json")
    options = parser.parse_args(argv)
    engine = engine_named("lightweight_mmm")
    try:
        python = environment_of(engine).interpreter()
    except EngineError as error:
        print(f"nothing is compared: {error}")
        return
    counts = {name: getattr(options, name) for name in ("chains", "warmup", "draws")}
    asked = {**counts, "timeout_minutes": 600, "target_accept": options.target_accept}
    settings = parse_settings({"engines": asked})
    spec = ModelSpec(options.adstock, options.degrees)
    what, dataset = benchmark_inputs(options.export)
    with tempfile.TemporaryDirectory() as folder:
        request = build_request(dataset, settings, engine, spec.key)
        theirs = run_engine(engine, python, request, Path(folder), timeout_seconds=36_000)
    fit = sample(spec, train_data(dataset), SamplerSettings(**counts, max_escalations=0))
    ours = our_view(fit, holdout_of(dataset), credible_interval=0.9, counts=True)
    differences = scaled_differences(ours.channels, theirs.channels)
    ahead = [
        abs(own.mean - other.mean) / ((own.high - own.low) / 2)
        for own, other in zip(ours.holdout, theirs.holdout, strict=True)
        if own.low is not None and own.high is not None
    ]
    report: dict[str, Any] = {
        "what": what,
        "spec": spec.key,
        "size": counts,
        "machine": {"cores": os.cpu_count(), "load_after": round(os.getloadavg()[0], 1)},
        "ours": {"rhat_max": ours.rhat_max, "ess_roi_min": ours.ess_roi_min, "seconds": ours.seconds},
        "theirs": {
            "rhat_max": theirs.rhat_max,
            "ess_roi_min": theirs.ess_roi_min,
            "divergences": theirs.divergences,
            "seconds": theirs.seconds_fit,
            "target_accept": options.target_accept,
        },
        "channels": len(differences),
        "beyond_2": int((np.abs(differences) > 2).sum()),
        "largest": round(float(np.abs(differences).max()), 2),
        "holdout_difference_over_half_interval_max": round(float(np.max(ahead)), 4),
        "differences": {
            channel.channel: round(float(value), 2) for channel, value in zip(ours.channels, differences, strict=True)
        },
    }
    result = options.result or RESULTS / f"engine_parity_{options.adstock}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(
        f"{what}, {spec.key}: of {len(differences)} channels, {report['beyond_2']} differ by more than 2 standard "
        f"errors of the means, the largest by {report['largest']}; the holdout's mean by at most "
        f"{report['holdout_difference_over_half_interval_max']:.1%} of half its interval\nwritten: {result}"
    )


def scaled_differences(ours: tuple[ChannelResult, ...], theirs: tuple[ChannelResult, ...]) -> np.ndarray:
    """(C,) difference of the posterior means of ROI over its Monte Carlo standard error."""
    found = []
    for own, other in zip(ours, theirs, strict=True):
        error = sum(row.roi_sd**2 / row.roi_ess for row in (own, other) if row.roi_sd and row.roi_ess)
        found.append((own.roi - other.roi) / np.sqrt(error))
    return np.array(found)
