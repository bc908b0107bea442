"""Leave-one-out predictive accuracy by Pareto-smoothed importance sampling (PSIS-LOO), and whether to believe it.

Source: Vehtari, Gelman, Gabry 2017, "Practical Bayesian model evaluation using leave-one-out cross-validation and
WAIC".
A single day is predicted from all the others, later ones included: this compares models of the same days, it is no
forecast error.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.fit.fit import Fit

if TYPE_CHECKING:
    from arviz.stats.stats_utils import ELPDData

__all__ = ["PARETO_K_LIMIT", "Loo", "psis_loo"]

PARETO_K_LIMIT = 0.7
"""Above it the importance weights of a day have no finite variance worth the name, and its term is not reliable."""


@dataclass(frozen=True)
class Loo:
    """The estimate of one fit.

    Attributes:
        status: `reliable`; `unreliable`: some day's Pareto k is above the limit; `refused`: not computed, because the
            posterior did not converge or its log likelihood is missing or not finite.
        elpd: expected log predictive density of the window's days, KPI in its own units; NaN when refused.
        se: its standard error.
        pareto_k_max: worst Pareto k of a day.
        days_above: days whose Pareto k is above `PARETO_K_LIMIT`; None when refused.
        estimate: ArviZ's own object, pointwise values included; None when refused.
    """

    status: Literal["reliable", "unreliable", "refused"]
    elpd: float = float("nan")
    se: float = float("nan")
    pareto_k_max: float = float("nan")
    days_above: int | None = None
    estimate: ELPDData | None = None


def psis_loo(fit: Fit) -> Loo:
    """PSIS-LOO of a fit from its stored pointwise log likelihood."""
    if not fit.convergence.converged or "log_likelihood" not in fit.inference.groups():
        return Loo("refused")
    likelihood = fit.inference["log_likelihood"]["kpi"]
    if not np.isfinite(likelihood.to_numpy()).all():
        return Loo("refused")
    with warnings.catch_warnings():
        # What it warns of, a large Pareto k, is in the result.
        warnings.filterwarnings(
            "ignore", message="Estimated shape parameter of Pareto distribution", category=UserWarning
        )
        estimate = az.loo(fit.inference, pointwise=True, var_name="kpi")
    k = np.asarray(estimate["pareto_k"], dtype=float)
    # A k that cannot be computed is no good sign.
    above = int((~(k <= PARETO_K_LIMIT)).sum())
    return Loo(
        status="unreliable" if above else "reliable",
        elpd=float(estimate["elpd_loo"]),
        se=float(estimate["se"]),
        pareto_k_max=float(np.nan_to_num(k, nan=np.inf).max()),
        days_above=above,
        estimate=estimate,
    )
