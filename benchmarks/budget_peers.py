"""The budget plan beside two other optimisers on the same posterior, all judged by the same expected KPI.

- SciPy's SLSQP with exact gradients from 20 random feasible starts, the best of them.
- `find_optimal_budgets` of the original `lightweight-mmm` 0.1.9, on the same posterior draws. It runs in an environment
  of its own, whose interpreter MMM_LIGHTWEIGHT_PYTHON names (how to make it is in
  `mmm_pipeline_tests/mmm/golden/make_golden.py`); without it, it is left out.

Everybody has the same budget, prices, bounds (around the mean media of the window, as the original wants them) and
objective: KPI in the horizon's days, effect after it not counted, as the original does not. Posteriors are made up.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from json import loads
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.sampling_speed import LIGHTWEIGHT_PYTHON
from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS
from mmm_pipeline.mmm.response.response import HorizonResponse, horizon_responses, media_prices
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

__all__ = ["Contest", "Entry", "by_lightweight_mmm", "by_slsqp", "by_this", "contest"]

_SCRIPT = Path(__file__).with_name("lightweight_mmm_budget.py")
_DAYS, _LOWER, _UPPER = 28, 0.5, 1.0  # bounds: half to twice the mean
_NAMES = {
    "intercept": "intercept",
    "trend_coefficient": "coef_trend",
    "trend_exponent": "expo_trend",
    "noise_sd": "sigma",
    "seasonality": "gamma_seasonality",
    "weekday": "weekday",
    "media_coefficient": "coef_media",
    "exponent": "exponent",
    "half_saturation": "half_max_effective_concentration",
    "slope": "slope",
    "peak_delay": "peak_effect_delay",
}
_PER_GEO = ("intercept", "trend_coefficient", "noise_sd")


@dataclass(frozen=True)
class Contest:
    """One posterior with budget and bounds in currency; (C,) arrays."""

    fit: Fit
    responses: Sequence[HorizonResponse]
    low: np.ndarray
    high: np.ndarray
    total: float

    def feasible(self, plan: np.ndarray) -> np.ndarray:
        """The plan in whole cents, exactly on the budget and within the bounds, as a real one would have to be."""
        low, high = np.ceil(self.low * CENTS).astype(np.int64), np.floor(self.high * CENTS).astype(np.int64)
        return round_to_total(plan, low, high, round(self.total * CENTS)) / CENTS

    def kpi(self, plan: np.ndarray) -> float:
        """Expected KPI of a plan."""
        return float(sum(response.draws(s).mean() for response, s in zip(self.responses, plan, strict=True)))


@dataclass(frozen=True)
class Entry:
    """What an optimiser found."""

    name: str
    plan: np.ndarray
    seconds: float
    note: str = ""


def contest(adstock: str, channels: int, draws: int) -> Contest:
    """A made-up posterior, the mean spend of its window as budget, and bounds around it."""
    fit = synthetic_fit(adstock, channels=channels, days=90, draws=draws, chains=2, effect=4.0 / channels)
    mean = fit.data.media_units.mean(axis=(0, 1)) * media_prices(fit) * _DAYS
    responses = horizon_responses(fit, _DAYS, count_after_horizon=False)
    return Contest(fit, responses, mean * (1 - _LOWER), mean * (1 + _UPPER), round(float(mean.sum()), 2))


def by_this(case: Contest) -> Entry:
    """This package's plan."""
    bounds = zip(case.fit.data.channels, case.low.tolist(), case.high.tolist(), strict=True)
    request = BudgetRequest(
        total=case.total,
        horizon=_DAYS,
        amounts={channel: (low, high) for channel, low, high in bounds},
        count_after_horizon=False,
    )
    began = time.perf_counter()
    plan = plan_budget(case.fit, request)
    seconds = time.perf_counter() - began
    gap = plan.summary.loc[0, "optimality_gap"]
    return Entry("mmm_pipeline", plan.table["optimal_spend"].to_numpy(), seconds, f"proved gap {gap:.1e}")


def by_slsqp(case: Contest, starts: int = 20, seed: int = 0) -> Entry:
    """SciPy's SLSQP with exact gradients; of its results within budget and bounds, the best."""
    rng = np.random.default_rng(seed)
    scale = case.kpi(0.5 * (case.low + case.high))

    def objective(plan: np.ndarray) -> tuple[float, np.ndarray]:
        points = [response.at(np.array([s])) for response, s in zip(case.responses, plan, strict=True)]
        return -sum(float(p.value[0]) for p in points) / scale, -np.array([p.slope[0] for p in points]) / scale

    began = time.perf_counter()
    found: list[tuple[float, np.ndarray]] = []
    for _ in range(starts):
        shares = rng.dirichlet(np.ones(len(case.low)))
        start = np.clip(case.low + shares * (case.total - case.low.sum()), case.low, case.high)
        result = minimize(
            objective,
            start,
            jac=True,
            method="SLSQP",
            bounds=list(zip(case.low, case.high, strict=True)),
            constraints={"type": "eq", "fun": lambda plan: (plan.sum() - case.total) / case.total},
            options={"maxiter": 500, "ftol": 1e-12},
        )
        if abs(result.x.sum() - case.total) <= 1e-4 * case.total:
            plan = case.feasible(result.x)
            found.append((case.kpi(plan), plan))
    best = max(found, key=lambda pair: pair[0])[1]
    return Entry("SLSQP, 20 starts", best, time.perf_counter() - began, f"{len(found)} of {starts} feasible")


def by_lightweight_mmm(case: Contest, interpreter: str, ours: np.ndarray) -> Entry:
    """The original's plan, from the same draws, in its own interpreter; it judges the (C,) plan `ours` too."""
    fit = case.fit
    retention = "ad_effect_retention_rate" if fit.spec.adstock == "carryover" else "lag_weight"
    draws = {}
    for name, theirs in {**_NAMES, "retention": retention}.items():
        if name in fit.posterior:
            values = fit.posterior[name].to_numpy()
            values = values.reshape(-1, *values.shape[2:])
            if name == "seasonality":
                values = values.reshape(len(values), fit.spec.degrees, 2)
            draws[f"draw_{theirs}"] = values[:, None] if name in _PER_GEO else values
    with tempfile.TemporaryDirectory() as folder:
        stored, result = Path(folder) / "data.npz", Path(folder) / "result.json"
        np.savez(
            stored,
            allow_pickle=False,
            media=fit.data.media[0],
            costs=fit.data.spend_share_scale,
            media_scale=fit.data.media_scale[0],
            prices=media_prices(fit),
            budget=np.array(case.total),
            other_plan=ours / media_prices(fit),
            **draws,
        )
        command = [interpreter, str(_SCRIPT), str(stored), str(result), "--model", fit.spec.adstock]
        command += [f"--degrees={fit.spec.degrees}", f"--days={_DAYS}", f"--lower={_LOWER}", f"--upper={_UPPER}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{interpreter} failed with status {done.returncode}:\n{done.stderr[-2000:]}")
        found = loads(result.read_text(encoding="utf-8"))
    plan = np.array(found["media_units"]) * media_prices(fit)
    gain = found["other_over_own"] * fit.data.kpi_scale[0]
    note = f"{found['iterations']} iterations; by its own forecast our plan brings {gain:+,.1f}"
    return Entry("LightweightMMM", case.feasible(plan), found["seconds"], note)


def main(arguments: list[str]) -> None:
    """Print one line per transform and optimiser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks budget_peers", description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--draws", type=int, default=50, help="per chain, of 2 chains")
    options = parser.parse_args(arguments)
    interpreter = os.environ.get(LIGHTWEIGHT_PYTHON)
    if not interpreter:
        print(f"{LIGHTWEIGHT_PYTHON} is not set: the original is left out")
    print(f"{'transform':13s} {'optimiser':17s} {'expected KPI':>14s} {'against ours':>12s} {'seconds':>8s}  note")
    for adstock in LIGHTWEIGHT_TRANSFORMS:
        case = contest(adstock, options.channels, options.draws)
        ours = by_this(case)
        entries = [ours, by_slsqp(case), *([by_lightweight_mmm(case, interpreter, ours.plan)] if interpreter else [])]
        reference = case.kpi(ours.plan)
        for entry in entries:
            kpi = case.kpi(entry.plan)
            print(
                f"{adstock:13s} {entry.name:17s} {kpi:14,.3f} {kpi / reference - 1:+12.1e} {entry.seconds:8.2f}  "
                f"{entry.note}",
                flush=True,
            )
