"""Whether a posterior may be trusted: rank-normalised R-hat, bulk and tail effective sample size, divergences."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.reasons import Reason
from mmm_pipeline.mmm.specs import ConvergenceThresholds

__all__ = ["Attempt", "Convergence", "convergence_of", "in_reach", "parameter_diagnostics", "scalar_parameters"]

_LISTED = 5
"""How many offending parameters a failure names."""


@dataclass(frozen=True)
class Convergence:
    """The verdict on one posterior; worst values over all parameters.

    Attributes:
        converged: whether every threshold is met.
        rhat_max: largest rank-normalised R-hat.
        ess_bulk_min: smallest bulk effective sample size.
        ess_tail_min: smallest tail effective sample size.
        divergences: divergent draws after warm-up, over all chains.
        failures: a reason per missed threshold: which parameters, which values, which limit.
    """

    converged: bool
    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    failures: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One try at a posterior. Counts are per chain; `seconds` is the wall time of sampling, compilation included."""

    warmup: int
    draws: int
    target_accept: float
    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    seconds: float
    converged: bool


def parameter_diagnostics(posterior: xr.Dataset) -> xr.Dataset:
    """R-hat, bulk and tail effective sample size of every scalar parameter.

    Args:
        posterior: variables with dimensions (chain, draw, ...).

    Returns:
        `rhat`, `ess_bulk`, `ess_tail` over `parameter`, whose labels read `retention[channel A]`.
    """
    flat = scalar_parameters(posterior)
    values = {
        "rhat": az.rhat(flat, method="rank"),
        "ess_bulk": az.ess(flat, method="bulk"),
        "ess_tail": az.ess(flat, method="tail"),
    }
    return xr.Dataset({name: result["value"].drop_attrs() for name, result in values.items()})


def convergence_of(
    diagnostics: xr.Dataset, divergences: int, draws: int, thresholds: ConvergenceThresholds
) -> Convergence:
    """Hold diagnostics against thresholds.

    Args:
        diagnostics: result of `parameter_diagnostics`.
        divergences: divergent draws after warm-up.
        draws: draws of all chains together.
        thresholds: what is accepted.
    """
    failures = [
        _failure(diagnostics["rhat"], "rhat_above", thresholds.rhat_max, largest_is_worst=True),
        _failure(diagnostics["ess_bulk"], "bulk_ess_below", thresholds.ess_min, largest_is_worst=False),
        _failure(diagnostics["ess_tail"], "tail_ess_below", thresholds.ess_min, largest_is_worst=False),
    ]
    if divergences > thresholds.divergence_share_max * draws:
        share = f"{thresholds.divergence_share_max:g}"
        failures.append(Reason("divergences", {"divergences": str(divergences), "draws": str(draws), "share": share}))
    found = tuple(failure for failure in failures if failure)
    return Convergence(
        converged=not found,
        # A value that cannot be computed (a constant parameter) counts as the worst.
        rhat_max=float(diagnostics["rhat"].fillna(np.inf).max()),
        ess_bulk_min=float(diagnostics["ess_bulk"].fillna(0).min()),
        ess_tail_min=float(diagnostics["ess_tail"].fillna(0).min()),
        divergences=divergences,
        failures=found,
    )


def in_reach(verdict: Convergence, draws: int, thresholds: ConvergenceThresholds, most: int) -> bool:
    """Whether `most` draws instead of `draws`, of all chains together, are expected to meet the thresholds.

    Effective sample sizes grow as the number of draws and R-hat's excess over 1 falls as its inverse. More draws do not
    mend divergences.

    Args:
        verdict: on the draws so far.
        draws: how many they are.
        thresholds: that `verdict` was held against.
        most: how many there could be.
    """
    return (
        verdict.divergences <= thresholds.divergence_share_max * draws
        and min(verdict.ess_bulk_min, verdict.ess_tail_min) * most / draws >= thresholds.ess_min
        and (verdict.rhat_max - 1) * draws / most <= thresholds.rhat_max - 1
    )


def _failure(values: xr.DataArray, code: str, limit: float, *, largest_is_worst: bool) -> Reason | None:
    badness = values.fillna(np.inf) if largest_is_worst else -values.fillna(0)
    bad = badness > (limit if largest_is_worst else -limit)
    if not bool(bad.any()):
        return None
    worst = badness.where(bad, drop=True).sortby(badness.where(bad, drop=True), ascending=False)
    named = [f"{label} {abs(value):.4g}" for label, value in zip(worst["parameter"].values, worst.values, strict=True)]
    told = {"limit": f"{limit:g}", "parameters": ", ".join(named[:_LISTED])}
    if len(named) > _LISTED:
        return Reason(f"{code}_more", {**told, "more": str(len(named) - _LISTED)})
    return Reason(code, told)


def scalar_parameters(posterior: xr.Dataset) -> xr.Dataset:
    """All scalars of a posterior as one variable `value` (chain, draw, parameter)."""
    columns, labels = [], []
    for name, variable in posterior.data_vars.items():
        values = variable.transpose("chain", "draw", ...).to_numpy()
        columns.append(values.reshape(*values.shape[:2], -1))
        names = [map(str, variable[dim].values) for dim in variable.dims if dim not in ("chain", "draw")]
        labels += [f"{name}[{', '.join(label)}]" if label else str(name) for label in itertools.product(*names)]
    return xr.Dataset(
        {"value": (("chain", "draw", "parameter"), np.concatenate(columns, axis=2))}, coords={"parameter": labels}
    )
