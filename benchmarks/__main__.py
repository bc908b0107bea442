"""`python -m benchmarks [NAME] [options]`: run one benchmark, or all of them with their default sizes."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = {
    "sampling_speed": "min-ESS per second, against the original lightweight-mmm on the same data",
    "grid_speed": "the whole grid of 9 specs, with a cold and a warm compilation cache",
    "step_profile": "where the time of one leapfrog step goes",
    "growth": "time per gradient and per draw, and peak memory, by days and channels",
    "plain_agreement": "posterior and prior against the plain NumPyro model, sampled without reformulation",
    "calibration": "simulation-based calibration: ranks of truths drawn from the prior",
    "recovery": "coverage of the true ROI by its credible intervals over simulated markets",
    "engines": "ROI of simulated markets by every installed engine: error, coverage of the truth, time",
    "engine_parity": "posterior means against the original lightweight-mmm: same data, same spec",
    "ten_million_rows": "seconds and peak memory from ten million campaign rows to the daily matrix, CSV and Parquet",
    "budget_peers": "the budget plan against SLSQP from 20 starts and the original's optimiser, on the same posterior",
    "budget_speed": "seconds and proved optimality gap of a budget plan of 20 and 200 channels",
}


def main(arguments: list[str]) -> int:
    """Run what the first argument names; the rest are its options."""
    if arguments and arguments[0] in BENCHMARKS:
        importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:])
        return 0
    if arguments:
        listed = "\n".join(f"  {name:20s} {what}" for name, what in BENCHMARKS.items())
        print(f"usage: python -m benchmarks [NAME] [--help | options]\n{listed}")
        return 0 if arguments[0] in ("-h", "--help") else 2
    for name in BENCHMARKS:
        importlib.import_module(f"benchmarks.{name}").main([])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
