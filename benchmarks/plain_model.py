"""The plain NumPyro model, drawn from without any of the reformulations: by NumPyro's own NUTS, and from its prior."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import numpyro
import xarray as xr

from mmm_pipeline.mmm import ModelData, ModelSpec
from mmm_pipeline.mmm.inference.model import media_mix_model

__all__ = ["PLAIN_INTERNAL", "plain_posterior", "plain_prior", "scalars"]

PLAIN_INTERNAL = ("kpi",)
"""Sites of the plain model that are no parameters."""


def plain_posterior(
    spec: ModelSpec, data: ModelData, *, chains: int, warmup: int, draws: int, seed: int, target_accept: float = 0.98
) -> tuple[xr.Dataset, int]:
    """Posterior of `media_mix_model` by NumPyro's NUTS in NumPyro's own coordinates, and how many draws diverged.

    In those coordinates a target acceptance of .9 leaves hundreds of divergences, and with them a bias: the corners of
    the trend's exponent are not reached.
    """
    with jax.enable_x64(True):
        sampler = numpyro.infer.MCMC(
            numpyro.infer.NUTS(media_mix_model, target_accept_prob=target_accept),
            num_warmup=warmup,
            num_samples=draws,
            num_chains=chains,
            chain_method="sequential",
            progress_bar=False,
        )
        sampler.run(jax.random.key(seed), spec, data, extra_fields=("diverging",))
        diverging = int(np.asarray(sampler.get_extra_fields()["diverging"]).sum())
        return _dataset(sampler.get_samples(group_by_chain=True)), diverging


def plain_prior(spec: ModelSpec, data: ModelData, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Independent draws of every parameter of `media_mix_model` and, as `kpi`, of the scaled KPI: (draws, ...) each."""
    with jax.enable_x64(True):
        predictive = numpyro.infer.Predictive(media_mix_model, num_samples=draws)
        # Compiled as a whole: operation by operation, compiling takes longer than drawing.
        sites = jax.jit(lambda key: predictive(key, spec, data, observed=False))(jax.random.key(seed))
        return {name: np.asarray(values) for name, values in sites.items()}


def scalars(posterior: xr.Dataset) -> dict[str, np.ndarray]:
    """Every single parameter by name and index: (chain, draw) each."""
    columns = {}
    for name in sorted(posterior.data_vars):
        values = posterior[name].to_numpy()
        if values.ndim == 2:
            columns[str(name)] = values
        else:
            columns |= {f"{name}[{i}]": values[..., i] for i in range(values.shape[-1])}
    return columns


def _dataset(samples: dict[str, Any]) -> xr.Dataset:
    return xr.Dataset(
        {
            name: (("chain", "draw", *(() if values.ndim == 2 else (f"{name}_index",))), np.asarray(values))
            for name, values in samples.items()
            if name not in PLAIN_INTERNAL
        }
    )
