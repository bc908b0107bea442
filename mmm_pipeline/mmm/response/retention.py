"""How long effects last, by prior and by data: densities of every channel's retention."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.prior import prior_media_parameters

__all__ = ["retention_density"]

_GRID = 101
_FINE_GRID = 512


def retention_density(fit: Fit, *, prior_draws: int = 4000, seed: int = 0) -> pd.DataFrame:
    """The table `retention_density` of the contracts: prior and posterior density on an even grid of [0, 1].

    Retention is what the adstock calls so: the share of effective media carried to the next day, λ; the rate r of
    delayed lag weights; for others the share of the effect that comes after its own day. Kernel densities of the
    draws, reflected at 0 and 1, where much of the mass lies.

    Args:
        fit: the posterior.
        prior_draws: draws of the prior.
        seed: of those draws.
    """
    retention = fit.spec.transform.adstock.retention
    draws = {
        "prior": retention(prior_media_parameters(fit.spec, fit.data, prior_draws, seed)),
        "posterior": retention(fit.transform_parameters()),
    }
    grid = np.linspace(0.0, 1.0, _GRID)
    return pd.concat(
        [
            pd.DataFrame(
                {"channel": channel, "source": source, "retention": grid, "density": _density(values[:, c], grid)}
            )
            for c, channel in enumerate(fit.data.channels)
            for source, values in draws.items()
        ],
        ignore_index=True,
    )


def _density(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    points, density = az.kde(values, bound_correction=True, custom_lims=(0.0, 1.0), grid_len=_FINE_GRID)
    return np.interp(grid, points, density)
