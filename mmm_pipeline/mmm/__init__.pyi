from .data.model_data import (
    ModelData,
    model_data,
    train_data,
    train_days,
)
from .data.time_grid import Step, TimeGrid
from .fit.fit import Fit
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
    "MediaPrior",
    "ModelData",
    "ModelSpec",
    "Priors",
    "RoiPrior",
    "SamplerSettings",
    "SamplingProgress",
    "Step",
    "TimeGrid",
    "media_mix_model",
    "model_data",
    "prior_contributions",
    "prior_media_parameters",
    "response_draws",
    "sample",
    "train_data",
    "train_days",
    "use_compilation_cache",
]
