"""How long a budget plan takes once a posterior exists, and how close to the optimum it is proved to be.

Posteriors are made up (prior draws with smaller coefficients), so that any number of channels costs nothing to make.
"""

from __future__ import annotations

import argparse
import time

from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_BOUNDS = ((0.5, 2.0), (0.0, 5.0))


def main(arguments: list[str]) -> None:
    """Print one line per transform, number of channels and bounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks budget_speed", description=__doc__)
    parser.add_argument("--channels", type=int, nargs="+", default=[20, 200])
    parser.add_argument("--draws", type=int, default=1000, help="per chain, of 4 chains")
    options = parser.parse_args(arguments)
    print(f"{'transform':14s} {'channels':>8s} {'bounds':>8s} {'seconds':>8s} {'CPU s':>7s} {'gap':>9s}")
    for channels in options.channels:
        for adstock in LIGHTWEIGHT_TRANSFORMS:
            fit = synthetic_fit(
                adstock, channels=channels, days=90, draws=options.draws, chains=4, effect=4.0 / channels
            )
            for lower, upper in _BOUNDS:
                wall, cpu = time.perf_counter(), time.process_time()
                summary = plan_budget(fit, BudgetRequest(lower=lower, upper=upper)).summary.iloc[0]
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                print(
                    f"{adstock:14s} {channels:8d} {f'{lower:g}:{upper:g}':>8s} {wall:8.2f} {cpu:7.2f} "
                    f"{summary['optimality_gap']:9.1e}",
                    flush=True,
                )
