"""What the model believes before it sees the KPI: to tell which channels the data says something about."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.inference.density import layout_of
from mmm_pipeline.mmm.inference.media_coefficients import channel_priors, media_coefficients
from mmm_pipeline.mmm.inference.whitening import coordinates, parameters_from_coordinates
from mmm_pipeline.mmm.media.draws import chunks
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["prior_contributions", "prior_media_parameters"]


def prior_media_parameters(spec: ModelSpec, data: ModelData, draws: int = 1000, seed: int = 0) -> dict[str, np.ndarray]:
    """Independent draws of every channel's parameters from their priors.

    Args:
        spec: the model.
        data: the window; its spend sets the scale of the coefficients.
        draws: S.
        seed: of the draws.

    Returns:
        Name -> (S, C), and `media_coefficient` (S, G, C).
    """
    return _drawn(spec, data, draws, seed)[0]


def prior_contributions(spec: ModelSpec, data: ModelData, draws: int = 1000, seed: int = 0) -> xr.DataArray:
    """KPI that media would bring by the prior alone, summed over the window, in KPI units: (draw, market, channel).

    The parameters are those of `prior_media_parameters` with the same seed.
    """
    parameters, mean_effect = _drawn(spec, data, draws, seed)
    totals = parameters["media_coefficient"] * mean_effect * (data.days * data.kpi_scale[:, None])
    coords = {
        "market": np.asarray(data.markets, dtype=object),
        "channel": np.asarray(data.channels, dtype=object),
    }
    return xr.DataArray(totals, dims=("draw", *coords), coords=coords, name="prior_contribution")


def _drawn(spec: ModelSpec, data: ModelData, draws: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters, and (S, G, C) the mean over the window of the media that they transform."""
    layout = layout_of(spec, data)
    u = np.random.default_rng(seed).standard_normal((draws, coordinates(layout)))
    sampled = parameters_from_coordinates(layout, u, NUMPY)
    # Coefficients are what the prior says of them, whatever stretch the sampler puts on its coordinates.
    mean_effect = np.empty((draws, layout.markets, layout.channels))
    for part in chunks(draws, data.days * layout.channels):
        here = {name: values[part] for name, values in sampled.items()}
        for g, media in enumerate(data.media):
            mean_effect[part, g] = spec.transform.value(media, here, NUMPY).mean(axis=1)
    coefficient, _ = media_coefficients(
        layout, sampled, channel_priors(spec, data), mean_effect, NUMPY, stretched=False
    )
    return {"media_coefficient": coefficient} | {
        name: sampled[name] for name in spec.transform.parameter_names
    }, mean_effect
