"""What is to be fitted, and how: immutable values shared by the whole statistical core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mmm_pipeline.mmm.identity import NEUTRAL
from mmm_pipeline.mmm.media.registry import media_transform
from mmm_pipeline.mmm.media.transform import MediaTransform
from mmm_pipeline.mmm.priors.media import SPEND_SHARE, MediaPrior
from mmm_pipeline.mmm.priors.roi import RoiPrior

__all__ = [
    "ConvergenceThresholds",
    "FeatureSign",
    "MediaPrior",
    "ModelSpec",
    "Noise",
    "Priors",
    "RoiPrior",
    "SamplerSettings",
    "Sign",
]

Noise = Literal["normal", "student_t"]
Sign = Literal["positive", "negative"]


@dataclass(frozen=True)
class Priors:
    """Prior scales, on the mean-scaled data; the defaults are those of `lightweight-mmm` 0.1.9.

    The last two have no counterpart there: `event_scale` is that of an event's coefficient, `noise_degrees_mean` the
    mean of ν - 1 ~ Exponential, ν being the degrees of freedom of Student-t noise (Kruschke 2013, "Bayesian estimation
    supersedes the t test").
    """

    intercept_scale: float = 2.0
    trend_scale: float = 1.0
    seasonality_scale: float = 1.0
    weekday_scale: float = 0.5
    feature_scale: float = 1.0
    media_scale: float = 1.0
    event_scale: float = 0.5
    noise_degrees_mean: float = 29.0


@dataclass(frozen=True)
class FeatureSign:
    """That a feature or event can only raise (`positive`) or only lower (`negative`) the KPI where its value is > 0."""

    feature: str
    sign: Sign


@dataclass(frozen=True)
class ModelSpec:
    """One model of the grid.

    Attributes:
        adstock: name of the media transform, one of `MEDIA_TRANSFORMS`.
        degrees: number of Fourier pairs of the yearly seasonality; 0: none.
        weekday: whether a coefficient per day of the week is in the model.
        seasonality_period_days: F of the Fourier terms.
        priors: prior scales.
        noise: distribution of the noise; `student_t` lets single days be far off without pulling everything else.
        media_prior: what is believed of all paid channels together.
        roi_priors: beliefs on the ROI of single channels, in place of what `media_prior` gives them.
        feature_signs: signs of single features and events; their coefficients are half-Normal instead of Normal.
    """

    adstock: str
    degrees: int
    weekday: bool = True
    seasonality_period_days: float = 365.0
    priors: Priors = field(default_factory=Priors)
    noise: Noise = "normal"
    # Fits of before there was a choice have the spend-share prior.
    media_prior: MediaPrior = field(default=SPEND_SHARE, metadata={NEUTRAL: SPEND_SHARE})
    roi_priors: tuple[RoiPrior, ...] = ()
    feature_signs: tuple[FeatureSign, ...] = ()

    @property
    def key(self) -> str:
        """`adstock|degrees`."""
        return f"{self.adstock}|{self.degrees}"

    @property
    def transform(self) -> MediaTransform:
        """The media transform.

        Raises:
            ModelInputError: there is none of this name.
        """
        return media_transform(self.adstock)


@dataclass(frozen=True)
class SamplerSettings:
    """How the posterior is drawn (NUTS). Counts are per chain.

    A fit that misses the thresholds narrowly draws on, at most `max_extensions` times half of `draws`; one that misses
    them otherwise is tried again from the start, at most `max_escalations` times.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    seed: int = 0
    target_accept: float = 0.95
    max_tree_depth: int = 10
    double_precision: bool = True
    max_escalations: int = 2
    # A posterior that was accepted without it is the same with it.
    max_extensions: int = field(default=4, metadata={NEUTRAL: 4})


@dataclass(frozen=True)
class ConvergenceThresholds:
    """When a fit may be called converged (Vehtari et al. 2021, rank-normalised R-hat)."""

    rhat_max: float = 1.01
    ess_min: float = 400.0
    divergence_share_max: float = 0.001
