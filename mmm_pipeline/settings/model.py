"""Settings of the model: the grid of specs, how they are drawn, and what is believed beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
from mmm_pipeline.mmm.priors.media import SPEND_SHARE, MediaPrior, MediaPriorKind
from mmm_pipeline.mmm.priors.roi import WIDEST_UNIFORM, RoiFamilyName, RoiPrior
from mmm_pipeline.settings.plain_names import DistinctNames, Name
from mmm_pipeline.settings.section import Section, Share

if TYPE_CHECKING:
    AdstockName = str
else:
    AdstockName = Literal[tuple(MEDIA_TRANSFORMS)]
NoiseName = Literal["normal", "student_t"]


class ModelSettings(Section):
    """The grid of specs: every adstock with every number of degrees is one partition."""

    adstocks: tuple[AdstockName, ...] = Field(
        LIGHTWEIGHT_TRANSFORMS, min_length=1, description="media transforms of the grid"
    )
    degrees: tuple[Annotated[int, Field(ge=0, le=10)], ...] = Field(
        (1, 2, 4),
        min_length=1,
        description="Fourier pairs of the yearly seasonality, each with each adstock; 0: no seasonality",
    )
    weekday: bool = Field(True, description="a coefficient per day of the week")
    seasonality_period_days: float = Field(365.0, gt=1, description="length of the season that the Fourier pairs share")
    noise: NoiseName = Field("normal", description="student_t: single days may be far off without pulling all else")

    @field_validator("adstocks", "degrees")
    @classmethod
    def _unique(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"lists a value twice: {list(value)}")
        return value


class SamplerSection(Section):
    """How the posterior is drawn (NUTS)."""

    chains: int = Field(4, ge=2, le=64, description="independent chains, in parallel where there are cores")
    warmup: int = Field(1000, ge=10, le=1_000_000, description="adaptation draws per chain, thrown away")
    draws: int = Field(1000, ge=10, le=1_000_000, description="kept draws per chain")
    seed: int = Field(
        0, ge=0, le=2**32 - 1, description="the same seed, data and settings give the same posterior on one machine"
    )
    target_accept: float = Field(0.95, gt=0.5, lt=1, description="target acceptance of NUTS; higher: smaller steps")
    max_tree_depth: int = Field(10, ge=1, le=15, description="at most 2 to this power leapfrog steps per draw")
    double_precision: bool = Field(True, description="64-bit arithmetic; off: 32-bit, coarser")
    max_escalations: int = Field(
        2,
        ge=0,
        le=5,
        description="further tries when a fit misses the thresholds or the first had a divergent draw",
    )
    max_extensions: int = Field(
        4,
        ge=0,
        le=20,
        description="further blocks of half as many draws, before any further try, when a fit misses them narrowly",
    )


class ConvergenceSettings(Section):
    """A fit that misses one of these cannot become champion."""

    rhat_max: float = Field(1.01, gt=1, description="rank-normalised R-hat of every parameter")
    ess_min: float = Field(400, gt=0, description="bulk and tail effective sample size of every parameter")
    divergence_share_max: Share = Field(0.001, description="divergent transitions over all kept draws")


class RoiBelief(Section):
    """What is believed of a channel's ROI before its data is seen."""

    mean: float = Field(gt=0, description="KPI per unit of currency")
    sd: float = Field(gt=0, description="its standard deviation, KPI per unit of currency")
    family: RoiFamilyName = Field(
        "log_normal", description="shape of the belief; normal: cut off at 0; uniform: mean ± 1.73 sd, all above 0"
    )

    @model_validator(mode="after")
    def _above_zero(self) -> RoiBelief:
        _require_above_zero(self.mean, self.sd, self.family)
        return self


class MediaPriorSettings(Section):
    """What is believed of all channels together, before their data is seen; those in `roi` keep their own belief."""

    kind: MediaPriorKind = Field(
        "total_share",
        description="total_share: all channels together cause this share of the KPI | roi: each channel has this ROI | "
        "spend_share: LightweightMMM's, by the channels' shares of spend",
    )
    mean: float | None = Field(
        None, gt=0, description="total_share: share of the KPI, default 0.4; roi: KPI per unit of currency, required"
    )
    sd: float | None = Field(None, gt=0, description="its standard deviation; total_share: default 0.2; roi: required")
    family: RoiFamilyName = Field("log_normal", description="roi: shape of the belief, as in `roi` below")

    @model_validator(mode="after")
    def _goes_together(self) -> MediaPriorSettings:
        given = [name for name in ("mean", "sd") if getattr(self, name) is not None]
        if self.kind == "spend_share" and given:
            raise ValueError(f"priors.media.{given[0]} goes with kind total_share or roi, not with spend_share")
        if self.kind == "roi" and len(given) < 2:
            raise ValueError("priors.media of kind roi needs mean and sd, KPI per unit of currency")
        if self.kind != "roi" and self.family != "log_normal":
            raise ValueError(f"priors.media.family goes with kind roi, not with {self.kind}")
        if self.kind == "total_share" and self.share[0] >= 1:
            raise ValueError(
                f"priors.media.mean = {self.share[0]:g} is a share of the KPI: accepted are numbers between 0 and 1"
            )
        if self.kind == "roi" and self.mean is not None and self.sd is not None:
            _require_above_zero(self.mean, self.sd, self.family)
        return self

    @property
    def share(self) -> tuple[float, float]:
        """Mean and standard deviation, of total_share."""
        default = MediaPrior()
        return (default.mean if self.mean is None else self.mean, default.sd if self.sd is None else self.sd)

    def prior(self) -> MediaPrior:
        """The same as the statistics take it."""
        return SPEND_SHARE if self.kind == "spend_share" else MediaPrior(self.kind, *self.share, self.family)


def _require_above_zero(mean: float, sd: float, family: str) -> None:
    if family == "uniform" and sd > WIDEST_UNIFORM * mean:
        raise ValueError(
            f"a uniform belief with mean {mean:g} and sd {sd:g} reaches below 0: the sd is at most "
            f"{WIDEST_UNIFORM:.3f} times the mean"
        )


class LiftTest(Section):
    """Result of an experiment on one channel."""

    channel: Name = Field(min_length=1, description="the channel that was tested")
    spend: float = Field(gt=0, description="currency that the test spent more, or less, than its control")
    incremental_kpi: float = Field(description="KPI that this caused")
    standard_error: float = Field(gt=0, description="standard error of `incremental_kpi`")


class PriorSettings(Section):
    """Priors (docs/model.md): scales on mean-scaled data, those of LightweightMMM, and beliefs on media."""

    media: MediaPriorSettings = Field(MediaPriorSettings(), description="all channels together")
    intercept_scale: float = Field(2.0, gt=0, description="half-Normal, in multiples of the mean KPI")
    trend_scale: float = Field(1.0, gt=0, description="Normal")
    seasonality_scale: float = Field(1.0, gt=0, description="Normal, each Fourier coefficient")
    weekday_scale: float = Field(0.5, gt=0, description="Normal, each weekday coefficient")
    feature_scale: float = Field(1.0, gt=0, description="Normal, each feature coefficient")
    media_scale: float = Field(1.0, gt=0, description="media.kind spend_share: multiplies the scale of every channel")
    event_scale: float = Field(0.5, gt=0, description="Normal, each event's coefficient, in multiples of the mean KPI")
    noise_degrees_mean: float = Field(29.0, gt=0, description="student_t: mean of its degrees of freedom, less one")
    roi: Annotated[dict[Name, RoiBelief], DistinctNames] = Field(
        default_factory=dict, description="channel: {mean, sd, family} of its ROI, in place of what `media` gives it"
    )
    lift_tests: tuple[LiftTest, ...] = Field(
        (), description="experiments, each a belief on ROI; several on one channel are combined by their precision"
    )

    @model_validator(mode="after")
    def _scaled_by_one_rule(self) -> PriorSettings:
        if self.media_scale != 1 and self.media.kind != "spend_share":
            raise ValueError(
                f"priors.media_scale goes with priors.media.kind spend_share, not with {self.media.kind}: give "
                "priors.media.mean and sd instead"
            )
        return self

    @model_validator(mode="after")
    def _believable(self) -> PriorSettings:
        for channel, beliefs in self.beliefs().items():
            if sum(mean / sd**2 for mean, sd in beliefs) <= 0:
                raise ValueError(
                    f"priors.lift_tests say that the ROI of {channel!r} is not above 0, which the model cannot hold: "
                    f"leave them out and give priors.roi.{channel} a small mean"
                )
        return self

    def roi_priors(self, channels: Iterable[str]) -> tuple[RoiPrior, ...]:
        """The beliefs on single ones of these channels, lift tests included."""
        beliefs = self.beliefs()
        return tuple(
            RoiPrior.combined(name, beliefs[name], self.roi[name].family if name in self.roi else "log_normal")
            for name in channels
            if name in beliefs
        )

    def beliefs(self) -> dict[str, list[tuple[float, float]]]:
        """Channel -> (mean, standard deviation) of every belief on its ROI."""
        found = {channel: [(belief.mean, belief.sd)] for channel, belief in self.roi.items()}
        for test in self.lift_tests:
            roi = (test.incremental_kpi / test.spend, test.standard_error / test.spend)
            found.setdefault(test.channel, []).append(roi)
        return found
