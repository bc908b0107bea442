"""How a posterior would change under a stronger or weaker prior or likelihood, without drawing it again.

Prior or likelihood is raised to a power α near 1; the draws are weighted by that factor to the power α - 1, weights
smoothed by PSIS, and the distance of the weighted from the plain distribution, per doubling of α, is the sensitivity.
Source: Kallioinen, Paananen, Bürkner, Vehtari 2024, "Detecting and diagnosing prior and likelihood sensitivity with
power-scaling"; computed by ArviZ (`psens`), whose distance is the cumulative Jensen-Shannon one.

The prior is scaled in the coordinates in which it is standard Normal, so that a power narrows or widens it about its
median, whatever its family.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from mmm_pipeline.mmm._arviz import az

__all__ = ["Sensitivity", "log_prior", "power_scaled_mean", "sensitivity"]

_COMPONENT = "component"


class Sensitivity(NamedTuple):
    """Distances per doubling of the power.

    Attributes:
        prior: of the prior; about .09 where the posterior is a Normal prior.
        likelihood: of the likelihood.
    """

    prior: float
    likelihood: float

    @property
    def opinion(self) -> float:
        """Share of the prior in both; 1 without either.

        Of a Normal mean whose prior agrees with the data it is the prior's share of the posterior's precision: 1 where
        the posterior is the prior, 0 where the prior does not matter. Where they disagree it tends to 1/2.
        """
        both = self.prior + self.likelihood
        return self.prior / both if both > 0 else 1.0


def sensitivity(draws: np.ndarray, coordinates: np.ndarray, log_likelihood: np.ndarray) -> Sensitivity:
    """Sensitivity of one quantity.

    Args:
        draws: (chain, draw) of the quantity.
        coordinates: (chain, draw, K) of the parameters whose prior is questioned, standard Normal a priori.
        log_likelihood: (chain, draw) of all observations together.
    """
    return Sensitivity(_distance(draws, log_prior(coordinates)), _distance(draws, log_likelihood))


def power_scaled_mean(draws: np.ndarray, component: np.ndarray, alpha: float) -> tuple[float, float]:
    """Mean under the component to the power α, and the Pareto k of the weights; above 0.7 it cannot be relied on.

    Args:
        draws: (chain, draw) of the quantity.
        component: (chain, draw) its logarithm: `log_prior`, or the log likelihood.
        alpha: the power.
    """
    log_weights, k = az.psislw(((alpha - 1) * component).ravel())
    weights = np.exp(np.asarray(log_weights) - np.max(log_weights))
    return float(np.average(draws.ravel(), weights=weights)), float(k)


def log_prior(coordinates: np.ndarray) -> np.ndarray:
    """(chain, draw) up to a constant, of (chain, draw, K) coordinates."""
    return -0.5 * (coordinates**2).sum(axis=-1)


def _distance(draws: np.ndarray, component: np.ndarray) -> float:
    if np.ptp(draws) == 0 or np.ptp(component) == 0:
        return 0.0
    dims = ("chain", "draw")
    groups: dict[str, Any] = {
        "posterior": xr.Dataset({"quantity": (dims, draws / np.abs(draws).max())}),
        "log_prior": xr.Dataset({_COMPONENT: (dims, component)}),
    }
    with warnings.catch_warnings():
        # At powers this near to 1 the weights are nearly equal, which leaves the shape of their tail undefined.
        warnings.filterwarnings("ignore", category=UserWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        found = az.psens(az.InferenceData(**groups), component="prior")
    return float(np.nan_to_num(found["quantity"]))
