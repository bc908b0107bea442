from .data.inputs import (
    FitData,
    PanelData,
    fit_data,
    panel_data,
    train_data,
    train_days,
    window_data,
)
from .data.time_grid import Step, TimeGrid
from .fit.fit import Fit
from .fit.panel_fit import PanelFit, restored_fit
from .fit.sampler import SamplingProgress, sample
from .inference.diagnostics import Attempt, Convergence
from .inference.model import media_mix_model
from .inference.prior import prior_contributions, prior_media_parameters
from .inference.programs import use_compilation_cache
from .media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
from .response.response_curves import response_draws
from .specs import (
    ConvergenceThresholds,
    FeatureSign,
    MediaPrior,
    ModelSpec,
    Priors,
    RoiPrior,
    SamplerSettings,
)

__all__ = [
    "LIGHTWEIGHT_TRANSFORMS",
    "MEDIA_TRANSFORMS",
    "Attempt",
    "Convergence",
    "ConvergenceThresholds",
    "FeatureSign",
    "Fit",
    "FitData",
    "MediaPrior",
    "ModelSpec",
    "PanelData",
    "PanelFit",
    "Priors",
    "RoiPrior",
    "SamplerSettings",
    "SamplingProgress",
    "Step",
    "TimeGrid",
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
