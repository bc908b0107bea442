"""What the model believes before it sees the KPI: to tell which channels the data says something about."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mmm_pipeline.mmm.draws import chunks, media_transform_of_draws
from mmm_pipeline.mmm.inputs import FitData
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline.mmm.transforms import MEDIA_PARAMETERS
from mmm_pipeline.mmm.whitening import COEFFICIENT_QUANTILE, NUMPY, coordinates, parameters_from_coordinates

__all__ = ["prior_contributions", "prior_media_parameters"]


def prior_media_parameters(spec: ModelSpec, data: FitData, draws: int = 1000, seed: int = 0) -> dict[str, np.ndarray]:
    """Independent draws of every channel's parameters from their priors.

    Args:
        spec: the model.
        data: the window; its spend sets the scale of the coefficients.
        draws: S.
        seed: of the draws.

    Returns:
        Name -> (S, C), the names being those of `Fit.media_parameters`.
    """
    u = np.random.default_rng(seed).standard_normal((draws, coordinates(spec.adstock, len(data.channels))))
    parameters = parameters_from_coordinates(spec.adstock, u, len(data.channels), NUMPY)
    coefficient = data.spend_share_scale * spec.priors.media_scale * parameters[COEFFICIENT_QUANTILE]
    return {"media_coefficient": coefficient} | {name: parameters[name] for name in MEDIA_PARAMETERS[spec.adstock]}


def prior_contributions(spec: ModelSpec, data: FitData, draws: int = 1000, seed: int = 0) -> xr.DataArray:
    """KPI that media would bring by the prior alone: (draw, channel), summed over the window, in KPI units.

    The parameters are those of `prior_media_parameters` with the same seed.
    """
    parameters = prior_media_parameters(spec, data, draws, seed)
    totals = np.empty((draws, len(data.channels)))
    for part in chunks(draws, data.media.size):
        here = {name: values[part] for name, values in parameters.items()}
        transformed = media_transform_of_draws(spec.adstock, data.media, here)
        totals[part] = transformed.sum(axis=1) * here["media_coefficient"] * data.kpi_scale
    return xr.DataArray(
        totals, dims=("draw", "channel"), coords={"channel": np.asarray(data.channels, dtype=object)}
    ).rename("prior_contribution")
