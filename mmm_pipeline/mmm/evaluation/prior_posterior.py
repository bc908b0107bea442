"""What the data changed: the ROI of every channel as assumed beforehand, and after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.prior import prior_contributions
from mmm_pipeline.mmm.response.attribution import contribution_totals

__all__ = ["prior_posterior_density"]

_GRID = 101
_FINE_GRID = 1024
_SHOWN = 0.995
"""Share of the posterior that the grid covers."""
_PRIOR_SHOWN = 0.9
_PRIOR_REACH = 2.0
"""The grid goes on to `_PRIOR_SHOWN` of the prior, but not further than this many times the posterior's reach."""


def prior_posterior_density(fit: Fit, *, prior_draws: int = 4000, seed: int = 0) -> pd.DataFrame:
    """The table `prior_posterior_density` of the contracts: densities of ROI on an even grid from 0, per paid channel.

    ROI is the contribution inside the window over the spend of the window, as in the attribution. The prior is that of
    the contribution with the same media. Kernel densities, reflected at 0; the part of a distribution beyond the
    grid is not in the table, so a density may have less than mass 1 there.

    Args:
        fit: the posterior; ROI is that of all markets together.
        prior_draws: draws of the prior.
        seed: of those draws.
    """
    spend = fit.data.total_spend.sum(axis=0)
    prior = prior_contributions(fit.spec, fit.data, prior_draws, seed).sum("market").to_numpy()
    posterior = contribution_totals(fit).to_numpy().reshape(-1, len(spend))
    tables = []
    for c, channel in enumerate(fit.data.channels):
        if not fit.data.is_paid[c]:
            continue
        draws = {"prior": prior[:, c] / spend[c], "posterior": posterior[:, c] / spend[c]}
        reach = float(np.quantile(draws["posterior"], _SHOWN))
        wanted = float(np.quantile(draws["prior"], _PRIOR_SHOWN))
        grid = np.linspace(0.0, 1.05 * max(reach, min(wanted, _PRIOR_REACH * reach)) or 1.0, _GRID)
        tables += [
            pd.DataFrame({"channel": channel, "source": source, "roi": grid, "density": _density(values, grid)})
            for source, values in draws.items()
        ]
    return pd.concat(tables, ignore_index=True)


def _density(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Density on the grid; what lies far beyond the grid neither widens the kernel nor is forgotten in the mass."""
    end = min(2 * grid[-1], float(values.max()) or grid[-1])
    inside = values[values <= end]
    if np.ptp(inside) == 0:
        return np.zeros_like(grid)
    points, density = az.kde(inside, bound_correction=True, custom_lims=(0.0, end), grid_len=_FINE_GRID)
    return np.interp(grid, points, density, right=0.0) * (len(inside) / len(values))
