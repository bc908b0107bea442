"""Settings of what is done with the champion: budget, comparison, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.settings.plain_names import DistinctNames, Name
from mmm_pipeline.settings.section import Section
from mmm_pipeline.settings.time import HORIZON, Length, periods_of

if TYPE_CHECKING:
    from mmm_pipeline.mmm.budget.request import BudgetRequest


class GroupSettings(Section):
    """Channels that share a total of their own, e.g. those of a brand."""

    channels: tuple[Name, ...] = Field(min_length=1, description="names of the channels")
    total: float = Field(ge=0, description="currency over the horizon")


class RiskSettings(Section):
    """What of the KPI the plan makes large, over the posterior draws."""

    measure: Literal["mean", "mean_minus_sd", "lower_tail_mean", "quantile"] = Field(
        "mean", description="see docs/budget.md; all but the mean are cautious"
    )
    kappa: float = Field(1.0, ge=0, le=100, description="mean_minus_sd: standard deviations taken off the mean")
    probability: float = Field(
        0.1, gt=0, lt=1, description="quantile: which one; lower_tail_mean: share of worst draws that are averaged"
    )


class BudgetSettings(Section):
    """What the plan may do. At most one of `total`, `target_kpi`, `target_marginal_roi`."""

    total: float | None = Field(None, gt=0, description="currency over the horizon; default: spend of the last horizon")
    target_kpi: float | None = Field(
        None, gt=0, description="spend as little as reaches this media KPI, caused by the horizon's spend"
    )
    target_marginal_roi: float | None = Field(
        None, gt=0, description="spend until the next unit of currency brings no more KPI than this"
    )
    horizon: Length | None = Field(
        None, description="length of the plan, and of what counts as today; empty: 28 days, 4 weeks or 3 months"
    )
    lower: float = Field(0.5, ge=0, description="lower bound of each channel, as a multiple of its current spend")
    upper: float = Field(2.0, gt=0, description="upper bound of each channel, as a multiple of its current spend")
    bounds: Annotated[dict[Name, tuple[float, float]], DistinctNames] = Field(
        default_factory=dict, description="channel: [low, high] multiples"
    )
    amounts: Annotated[dict[Name, tuple[float, float]], DistinctNames] = Field(
        default_factory=dict, description="channel: [low, high] in currency over the horizon, instead of multiples"
    )
    locked: tuple[Name, ...] = Field((), description="channels whose spend stays as it is")
    move_unproven: bool = Field(
        False,
        description="whether the plan may move channels whose return is the prior's opinion (table sensitivity); off: "
        "they keep today's spend, unless they have bounds or amounts of their own",
    )
    groups: Annotated[dict[Name, GroupSettings], DistinctNames] = Field(
        default_factory=dict, description="name: {channels: [...], total: ...}, channels with a total of their own"
    )
    risk: RiskSettings = Field(RiskSettings(), description="what of the KPI is made large: the mean, or less risk")
    count_after_horizon: bool = Field(True, description="count carried-over effect after the horizon")

    def horizon_periods(self, step: Step) -> int:
        """Length of the plan on data of a step.

        Raises:
            SettingsError: it is no whole number of periods.
        """
        return periods_of(self.horizon, step, HORIZON, "budget.horizon")

    def request(self, horizon: int, step: Step) -> BudgetRequest:
        """What the core is asked, over so many periods of a step."""
        from mmm_pipeline.mmm.budget.request import BudgetRequest
        from mmm_pipeline.mmm.budget.risk import RiskMeasure

        otherwise = ("groups", "risk", "horizon")
        plain = {name: getattr(self, name) for name in type(self).model_fields if name not in otherwise}
        return BudgetRequest(
            **plain,
            horizon=horizon,
            step=step,
            groups={name: (group.channels, group.total) for name, group in self.groups.items()},
            risk=RiskMeasure(**self.risk.model_dump()),
        )

    @model_validator(mode="after")
    def _consistent(self) -> BudgetSettings:
        """By the rules of the core, which has no channels and no data to look at yet."""
        if self.model_fields_set - {"horizon"}:
            from mmm_pipeline.mmm.budget.request import require_consistent

            try:
                require_consistent(self.request(1, Step.DAY))
            except InfeasibleBudget as error:
                raise ValueError(str(error)) from None
        return self


class ReportSettings(Section):
    """Charts, narratives and the HTML report."""

    languages: tuple[Literal["en", "ko"], ...] = Field(("en",), min_length=1, description="of the reports")
    credible_interval: float = Field(0.9, gt=0.5, lt=1, description="central probability of every interval")
    currency: str = Field("USD", max_length=8, description="shown before amounts; no conversion is done")
    writer: Literal["auto", "gemini", "template"] = Field(
        "auto", description="auto: Gemini where GEMINI_API_KEY is set; gemini: the same, and a warning where it is not"
    )
    strict: bool = Field(False, description="fail where the template would have to write in Gemini's place")


class GeminiSettings(Section):
    """How Gemini is asked to write the narratives (docs/gemini.md). The key comes from GEMINI_API_KEY only."""

    model: str = Field("gemini-3.8-flash", pattern=r"^[a-z0-9][a-z0-9.-]{2,60}$", description="pinned model")
    token_budget: int = Field(300_000, ge=0, description="tokens per run at most, input, thinking and output together")
    max_output_tokens: int = Field(8192, ge=1024, le=65_536, description="of one answer, thinking included")
    timeout_seconds: float = Field(60.0, ge=1, le=600, description="of one call")
    deadline_seconds: float = Field(180.0, ge=1, le=3600, description="of one question, tries and pauses included")
    attempts: int = Field(4, ge=1, le=10, description="calls at most for one answer, when the server is busy")
    channel_codes: bool = Field(False, description="send codes instead of channel, brand and marketplace names")
    prompts: Path | None = Field(None, description="folder whose files replace the package's prompts of the same name")
