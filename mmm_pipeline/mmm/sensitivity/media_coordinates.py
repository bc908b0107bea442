"""The media parameters of posterior draws in the coordinates in which their prior is standard Normal."""

from __future__ import annotations

import numpy as np

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.fit.panel_fit import PanelFit
from mmm_pipeline.mmm.inference.media_coefficients import MARKET_SCALE, beliefs_on_roi, channel_priors
from mmm_pipeline.mmm.priors.families import HalfNormal
from mmm_pipeline.mmm.priors.roi import ROI_FAMILIES

__all__ = ["media_coordinates"]


def media_coordinates(fit: Fit | PanelFit, contributions: np.ndarray) -> np.ndarray:
    """(S, C, K) coordinates: level or ROI, the parameters of the transform, and of a panel the markets' multiples.

    Args:
        fit: the posterior.
        contributions: (S, C) KPI that each channel caused over the window.
    """
    posterior, data, panel = fit.posterior, fit.data, isinstance(fit, PanelFit)
    beliefs, scale = beliefs_on_roi(fit.spec, data), channel_priors(fit.spec, data).scale
    spend = data.spend.sum(axis=0)
    level = _flat(posterior["channel_level" if panel else "media_coefficient"].to_numpy())
    first = np.empty(level.shape)
    for c, channel in enumerate(data.channels):
        if channel in beliefs:
            belief = beliefs[channel]
            family = ROI_FAMILIES[belief.family]
            prior = family.prior(*family.parameters(belief.mean, belief.sd))
            first[:, c] = prior.coordinate(contributions[:, c] / spend[c])
        else:
            first[:, c] = HalfNormal(float(scale[c])).coordinate(level[:, c])
    columns = [first]
    columns += [own.prior.coordinate(_flat(posterior[own.name].to_numpy())) for own in fit.spec.transform.parameters]
    if panel:
        coefficients = _flat(posterior["media_coefficient"].transpose("chain", "draw", "market", "channel").to_numpy())
        multiples = HalfNormal(MARKET_SCALE).coordinate(coefficients / level[:, None])
        columns += list(multiples.swapaxes(0, 1))
    return np.stack(columns, axis=-1)


def _flat(values: np.ndarray) -> np.ndarray:
    """(chain, draw, ...) as (S, ...)"""
    return values.reshape(-1, *values.shape[2:])
