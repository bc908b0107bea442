"""The media parameters of posterior draws in the coordinates in which their prior is standard Normal."""

from __future__ import annotations

import numpy as np

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.media_coefficients import MARKET_SCALE, beliefs_on_roi, channel_priors
from mmm_pipeline.mmm.priors.families import HalfNormal
from mmm_pipeline.mmm.priors.roi import ROI_FAMILIES

__all__ = ["media_coordinates"]


def media_coordinates(fit: Fit, contributions: np.ndarray) -> np.ndarray:
    """(S, C, K) coordinates: level or ROI, the parameters of the transform, of several markets also their multiples.

    Args:
        fit: the posterior.
        contributions: (S, C) KPI that each channel caused over the window.
    """
    data, coefficients = fit.data, fit.media_coefficients()
    beliefs, scale = beliefs_on_roi(fit.spec, data), channel_priors(fit.spec, data).scale
    # A belief on an organic channel is one per unit of what it weighs in priors.
    spend = np.where(data.is_paid, data.total_spend.sum(axis=0), data.weighing_spend * data.days)
    level = coefficients[:, 0]
    if data.several_markets:
        draws = fit.posterior["channel_level"].to_numpy()
        level = draws.reshape(-1, draws.shape[-1])
    first = np.empty(level.shape)
    for c, channel in enumerate(data.channels):
        if channel in beliefs:
            belief = beliefs[channel]
            family = ROI_FAMILIES[belief.family]
            prior = family.prior(*family.parameters(belief.mean, belief.sd))
            first[:, c] = prior.coordinate(contributions[:, c] / spend[c])
        else:
            first[:, c] = HalfNormal(float(scale[c])).coordinate(level[:, c])
    parameters = fit.transform_parameters()
    columns = [first, *(own.prior.coordinate(parameters[own.name]) for own in fit.spec.transform.parameters)]
    if data.several_markets:
        multiples = HalfNormal(MARKET_SCALE).coordinate(coefficients / level[:, None])
        columns += list(multiples.swapaxes(0, 1))
    return np.stack(columns, axis=-1)
