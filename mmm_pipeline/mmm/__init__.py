"""The statistics: pure functions over arrays. Imports no Dagster, reads and writes no files.

    from mmm_pipeline.mmm import ModelSpec, SamplerSettings, fit_data, sample

    spec = ModelSpec(adstock="carryover", degrees=2)
    fit = sample(spec, fit_data(dataset), SamplerSettings(chains=4, warmup=1000, draws=1000, seed=0))
    fit.convergence, fit.contributions(), fit.predict(future_media)

Names are imported at first use, so that importing the package starts neither JAX nor ArviZ.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmm_pipeline.mmm.data.inputs import (
        FitData,
        PanelData,
        fit_data,
        panel_data,
        train_data,
        train_days,
        window_data,
    )
    from mmm_pipeline.mmm.fit.fit import Fit
    from mmm_pipeline.mmm.fit.panel_fit import PanelFit, restored_fit
    from mmm_pipeline.mmm.fit.sampler import SamplingProgress, sample
    from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence
    from mmm_pipeline.mmm.inference.model import media_mix_model
    from mmm_pipeline.mmm.inference.prior import prior_contributions, prior_media_parameters
    from mmm_pipeline.mmm.inference.programs import use_compilation_cache
    from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
    from mmm_pipeline.mmm.response.response_curves import response_draws
    from mmm_pipeline.mmm.specs import (
        ConvergenceThresholds,
        FeatureSign,
        ModelSpec,
        Priors,
        RoiPrior,
        SamplerSettings,
    )

_HOMES = {
    "window_data": "data.inputs",
    "restored_fit": "fit.panel_fit",
    "response_draws": "response.response_curves",
    "panel_data": "data.inputs",
    "RoiPrior": "specs",
    "PanelFit": "fit.panel_fit",
    "PanelData": "data.inputs",
    "FeatureSign": "specs",
    "LIGHTWEIGHT_TRANSFORMS": "media.registry",
    "MEDIA_TRANSFORMS": "media.registry",
    "Attempt": "inference.diagnostics",
    "Convergence": "inference.diagnostics",
    "ConvergenceThresholds": "specs",
    "Fit": "fit.fit",
    "FitData": "data.inputs",
    "ModelSpec": "specs",
    "Priors": "specs",
    "SamplerSettings": "specs",
    "SamplingProgress": "fit.sampler",
    "fit_data": "data.inputs",
    "media_mix_model": "inference.model",
    "prior_contributions": "inference.prior",
    "prior_media_parameters": "inference.prior",
    "sample": "fit.sampler",
    "train_data": "data.inputs",
    "train_days": "data.inputs",
    "use_compilation_cache": "inference.programs",
}

__all__ = [
    "LIGHTWEIGHT_TRANSFORMS",
    "MEDIA_TRANSFORMS",
    "Attempt",
    "Convergence",
    "ConvergenceThresholds",
    "FeatureSign",
    "Fit",
    "FitData",
    "ModelSpec",
    "PanelData",
    "PanelFit",
    "Priors",
    "RoiPrior",
    "SamplerSettings",
    "SamplingProgress",
    "fit_data",
    "media_mix_model",
    "panel_data",
    "prior_contributions",
    "prior_media_parameters",
    "response_draws",
    "restored_fit",
    "sample",
    "train_data",
    "train_days",
    "use_compilation_cache",
    "window_data",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
