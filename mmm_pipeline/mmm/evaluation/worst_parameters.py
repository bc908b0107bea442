"""Draws of the parameters that the sampler found hardest, to look at with one's own eyes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.diagnostics import scalar_parameters

__all__ = ["worst_parameter_draws"]


def worst_parameter_draws(fit: Fit, *, parameters: int = 6, draws_per_chain: int = 500) -> pd.DataFrame:
    """The table `worst_parameter_draws` of the contracts, worst parameter first.

    Worst is the smallest effective sample size, bulk or tail: it also falls when chains disagree, which R-hat near 1
    hides (Vehtari et al. 2021). A parameter whose diagnostics cannot be computed counts as the worst of all.

    Args:
        fit: the posterior.
        parameters: how many.
        draws_per_chain: at most; longer chains are thinned evenly, which leaves traces and ranks as they look.
    """
    diagnostics = fit.diagnostics()
    effective = np.fmin(*(diagnostics[name].fillna(0).to_numpy() for name in ("ess_bulk", "ess_tail")))
    order = np.argsort(effective, kind="stable")[:parameters]
    values = scalar_parameters(fit.posterior)["value"].isel(parameter=order)
    kept = _evenly(values.sizes["draw"], draws_per_chain)
    values = values.isel(draw=kept).transpose("parameter", "chain", "draw")
    diverging = fit.inference["sample_stats"]["diverging"].isel(draw=kept).transpose("chain", "draw").to_numpy()
    index = pd.MultiIndex.from_product([values["parameter"].to_numpy(), values["chain"].to_numpy(), kept])
    table = pd.DataFrame({"value": values.to_numpy().ravel()}, index=index.set_names(["parameter", "chain", "draw"]))
    table["is_divergent"] = np.tile(diverging.ravel().astype(bool), len(order))
    table = table.reset_index()
    figures = diagnostics.isel(parameter=order).to_dataframe()[["rhat", "ess_bulk", "ess_tail"]]
    return table.join(figures, on="parameter")[
        ["parameter", "rhat", "ess_bulk", "ess_tail", "chain", "draw", "value", "is_divergent"]
    ]


def _evenly(count: int, at_most: int) -> np.ndarray:
    """Positions of at most `at_most` of `count` draws, evenly spaced."""
    return np.arange(0, count, max(1, -(-count // at_most)))
