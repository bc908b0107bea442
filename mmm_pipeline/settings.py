"""`pipeline.yaml` -> validated settings. Secrets never live here: they come from the environment."""

from __future__ import annotations

import datetime as dt
import difflib
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings_data import BigQuerySettings, LandingSettings, SourceSettings, WarehouseSettings
from mmm_pipeline.settings_section import Section

__all__ = ["Settings", "load_settings", "parse_settings"]

Share = Annotated[float, Field(ge=0, le=1)]
AdstockName = Literal["adstock", "hill_adstock", "carryover"]
NoiseName = Literal["normal", "student_t"]
SignName = Literal["positive", "negative"]


class ColumnSettings(Section):
    """Which column plays which role. Case, spaces, `_`, `-` and `/` in headers do not matter."""

    date: str = Field("Date", description="day of the row")
    channel: str = Field("Ad group alias", description="what gets a coefficient and a budget line")
    media: str = Field("Impressions", description="media units per row, e.g. impressions")
    spend: str = Field("Spend", description="currency per row")
    kpi: str = Field("Sales", description="what the model explains, e.g. sales in currency")
    market: str | None = Field(
        None,
        description="e.g. Marketplace: one model over its values, each with effects of its own; empty: all together",
    )


class ValidationSettings(Section):
    """When the rows are too bad to go on."""

    max_rejected_share: Share = Field(0.05, description="the run stops when more rows than this are rejected")
    missing_kpi_days: Literal["error", "zero"] = Field("error", description="a day without any row: refuse, or KPI 0")


class ChannelSettings(Section):
    """A channel that fails a rule in the train window is excluded, with its reason, from the model."""

    min_active_days: int = Field(1, ge=1, description="train days with media > 0")
    min_spend: float = Field(0.0, ge=0, description="train spend must be above this, in currency")
    exclude: tuple[str, ...] = Field((), description="channels to leave out by name")


class SplitSettings(Section):
    """Train window and holdout."""

    holdout_days: int = Field(28, ge=1, description="last days kept for scoring; ignored when holdout_start is set")
    holdout_start: dt.date | None = Field(None, description="first holdout day")
    rolling_origins: int = Field(
        0,
        ge=0,
        le=20,
        description="score over this many expanding windows instead of one; k windows cost k fits a spec",
    )


class RankingSettings(Section):
    """How the specs are compared."""

    error: Literal["mape", "wape", "rmse", "crps"] = Field("mape", description="which error ranks the specs")
    averaging: Literal["none", "stacking"] = Field(
        "none", description="stacking: also an attribution averaged over the specs that predict about equally well"
    )
    least_converged_specs: int = Field(
        1, ge=1, description="specs of the grid that must have converged; with fewer there is no champion"
    )


class FeatureSettings(Section):
    """Optional extra features (controls): a table with a date column and numeric columns."""

    path: Path | None = Field(None, description="CSV, XLSX or Parquet file; none: no features")
    date: str = Field("Date", description="its date column, one row per day")
    columns: tuple[str, ...] = Field((), description="empty: every column but the date")
    max_leakage_r2: Share = Field(0.5, description="refuse a feature that explains this much of the same day's KPI")
    signs: dict[str, SignName] = Field(
        default_factory=dict, description="feature or event: `positive` or `negative`, the only way its value may act"
    )


class EventDates(Section):
    """One event and its dates."""

    event: str = Field(min_length=1, description="its name; the same name on several entries is one effect")
    dates: tuple[dt.date, ...] = Field(min_length=1, description="days of the event")
    days_before: int = Field(0, ge=0, le=60, description="days before each date that belong to it")
    days_after: int = Field(0, ge=0, le=60, description="days after each date that belong to it")


class EventSettings(Section):
    """Holidays, promotions and other events: one coefficient each, on the days of its windows."""

    path: Path | None = Field(
        None,
        description="CSV, XLSX or Parquet file with the columns event, date and, optionally, days_before, days_after",
    )
    calendar: tuple[EventDates, ...] = Field((), description="events given here, beside those of the file")


class ModelSettings(Section):
    """The grid of specs: every adstock with every number of degrees is one partition."""

    adstocks: tuple[AdstockName, ...] = Field(
        ("adstock", "hill_adstock", "carryover"), min_length=1, description="media transforms of the grid"
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
    warmup: int = Field(1000, ge=10, description="adaptation draws per chain, thrown away")
    draws: int = Field(1000, ge=10, description="kept draws per chain")
    seed: int = Field(0, ge=0, description="the same seed, data and settings give the same posterior on one machine")
    target_accept: float = Field(0.9, gt=0.5, lt=1, description="target acceptance of NUTS; higher: smaller steps")
    max_tree_depth: int = Field(10, ge=1, le=15, description="at most 2 to this power leapfrog steps per draw")
    double_precision: bool = Field(True, description="64-bit arithmetic; off: 32-bit, coarser")
    max_escalations: int = Field(2, ge=0, le=5, description="further tries when a fit misses the thresholds")


class ConvergenceSettings(Section):
    """A fit that misses one of these cannot become champion."""

    rhat_max: float = Field(1.01, gt=1, description="rank-normalised R-hat of every parameter")
    ess_min: float = Field(400, gt=0, description="bulk and tail effective sample size of every parameter")
    divergence_share_max: Share = Field(0.001, description="divergent transitions over all kept draws")


class RoiBelief(Section):
    """What is believed of a channel's ROI before its data is seen."""

    mean: float = Field(gt=0, allow_inf_nan=False, description="KPI per unit of currency")
    sd: float = Field(gt=0, allow_inf_nan=False, description="its standard deviation, KPI per unit of currency")


class LiftTest(Section):
    """Result of an experiment on one channel."""

    channel: str = Field(min_length=1, description="the channel that was tested")
    spend: float = Field(
        gt=0, allow_inf_nan=False, description="currency that the test spent more, or less, than its control"
    )
    incremental_kpi: float = Field(allow_inf_nan=False, description="KPI that this caused")
    standard_error: float = Field(gt=0, allow_inf_nan=False, description="standard error of `incremental_kpi`")


class PriorSettings(Section):
    """Priors (docs/model.md): scales on mean-scaled data, by default those of LightweightMMM, and beliefs on ROI."""

    intercept_scale: float = Field(2.0, gt=0, description="half-Normal, in multiples of the mean KPI")
    trend_scale: float = Field(1.0, gt=0, description="Normal")
    seasonality_scale: float = Field(1.0, gt=0, description="Normal, each Fourier coefficient")
    weekday_scale: float = Field(0.5, gt=0, description="Normal, each weekday coefficient")
    feature_scale: float = Field(1.0, gt=0, description="Normal, each feature coefficient")
    media_scale: float = Field(1.0, gt=0, description="multiplies the spend-share scale of every media coefficient")
    event_scale: float = Field(0.5, gt=0, description="Normal, each event's coefficient, in multiples of the mean KPI")
    noise_degrees_mean: float = Field(29.0, gt=0, description="student_t: mean of its degrees of freedom, less one")
    roi: dict[str, RoiBelief] = Field(
        default_factory=dict, description="channel: {mean, sd} of its ROI, in place of the prior of its coefficient"
    )
    lift_tests: tuple[LiftTest, ...] = Field(
        (), description="experiments, each a belief on ROI; several on one channel are combined by their precision"
    )

    @model_validator(mode="after")
    def _believable(self) -> PriorSettings:
        for channel, beliefs in self.beliefs().items():
            if sum(mean / sd**2 for mean, sd in beliefs) <= 0:
                raise ValueError(
                    f"priors.lift_tests say that the ROI of {channel!r} is not above 0, which the model cannot hold: "
                    f"leave them out and give priors.roi.{channel} a small mean"
                )
        return self

    def beliefs(self) -> dict[str, list[tuple[float, float]]]:
        """Channel -> (mean, standard deviation) of every belief on its ROI."""
        found = {channel: [(belief.mean, belief.sd)] for channel, belief in self.roi.items()}
        for test in self.lift_tests:
            roi = (test.incremental_kpi / test.spend, test.standard_error / test.spend)
            found.setdefault(test.channel, []).append(roi)
        return found


class GroupSettings(Section):
    """Channels that share a total of their own, e.g. those of a brand."""

    channels: tuple[str, ...] = Field(min_length=1, description="names of the channels")
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
    horizon_days: int = Field(28, ge=1, le=366, description="length of the plan, and of what counts as today")
    lower: float = Field(0.5, ge=0, description="lower bound of each channel, as a multiple of its current spend")
    upper: float = Field(2.0, gt=0, description="upper bound of each channel, as a multiple of its current spend")
    bounds: dict[str, tuple[float, float]] = Field(default_factory=dict, description="channel: [low, high] multiples")
    amounts: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="channel: [low, high] in currency over the horizon, instead of multiples"
    )
    locked: tuple[str, ...] = Field((), description="channels whose spend stays as it is")
    groups: dict[str, GroupSettings] = Field(
        default_factory=dict, description="name: {channels: [...], total: ...}, channels with a total of their own"
    )
    risk: RiskSettings = Field(RiskSettings(), description="what of the KPI is made large: the mean, or less risk")
    count_after_horizon: bool = Field(True, description="count carried-over effect after the horizon")

    @model_validator(mode="after")
    def _ordered(self) -> BudgetSettings:
        if self.lower > self.upper:
            raise ValueError(f"budget.lower {self.lower} is above budget.upper {self.upper}")
        for key, ranges in (("bounds", self.bounds), ("amounts", self.amounts)):
            for channel, (low, high) in ranges.items():
                if not 0 <= low <= high < math.inf:
                    raise ValueError(
                        f"budget.{key}[{channel!r}] must satisfy 0 <= low <= high, both finite, got [{low}, {high}]"
                    )
        for channel in self.bounds.keys() & self.amounts.keys():
            raise ValueError(f"channel {channel!r} is in budget.bounds and in budget.amounts: give one")
        return self

    @model_validator(mode="after")
    def _one_objective(self) -> BudgetSettings:
        goals = ("total", "target_kpi", "target_marginal_roi")
        given = [f"budget.{goal}" for goal in goals if getattr(self, goal) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other: give one")
        has_target = bool(given) and given != ["budget.total"]
        if has_target and self.groups:
            raise ValueError(f"budget.groups have totals of their own, so they do not go with {given[0]}: give one")
        if has_target and self.risk.measure != "mean":
            raise ValueError(f"budget.risk.measure {self.risk.measure!r} goes with a total, not with {given[0]}")
        return self

    @model_validator(mode="after")
    def _separate_groups(self) -> BudgetSettings:
        owner: dict[str, str] = {}
        for name, group in self.groups.items():
            for channel in group.channels:
                if channel in owner:
                    raise ValueError(
                        f"channel {channel!r} is twice in budget.groups: in {owner[channel]!r} and {name!r}"
                    )
                owner[channel] = name
        grouped = sum(group.total for group in self.groups.values())
        if self.total is not None and grouped > self.total:
            raise ValueError(f"budget.groups have {grouped:,.2f} in all, more than budget.total {self.total:,.2f}")
        return self


class DriftSettings(Section):
    """What is kept for comparing one refresh with the one before."""

    keep_champions: int = Field(12, ge=0, le=1000, description="earlier champions that stay readable; 0: no comparison")


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


class ScheduleSettings(Section):
    """The weekly refresh; off until switched on in the UI."""

    cron: str = Field("0 6 * * 1", description="when the schedule runs, once it is switched on")
    timezone: str = Field("UTC", description="time zone of cron")
    freshness_days: int = Field(
        8, ge=1, le=3660, description="days after which a champion that was not refreshed shows as overdue in the UI"
    )


class Settings(Section):
    """Everything a run can be told. `quick` is set by `--quick` only."""

    source: SourceSettings = SourceSettings()
    landing: LandingSettings = LandingSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    bigquery: BigQuerySettings = BigQuerySettings()
    columns: ColumnSettings = ColumnSettings()
    validation: ValidationSettings = ValidationSettings()
    channels: ChannelSettings = ChannelSettings()
    split: SplitSettings = SplitSettings()
    ranking: RankingSettings = RankingSettings()
    features: FeatureSettings = FeatureSettings()
    events: EventSettings = EventSettings()
    model: ModelSettings = ModelSettings()
    sampler: SamplerSection = SamplerSection()
    convergence: ConvergenceSettings = ConvergenceSettings()
    priors: PriorSettings = PriorSettings()
    budget: BudgetSettings = BudgetSettings()
    drift: DriftSettings = DriftSettings()
    report: ReportSettings = ReportSettings()
    gemini: GeminiSettings = GeminiSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    quick: bool = Field(False, description="set by --quick: fewer draws, looser thresholds; every output says so")

    @model_validator(mode="after")
    def _lands_in_a_table(self) -> Settings:
        if self.landing.file is not None and self.source.kind not in ("duckdb", "bigquery"):
            raise ValueError(
                f"landing.file lands in the table of source, and source.kind is {self.source.kind!r}: accepted with it "
                "are 'duckdb' and 'bigquery'"
            )
        return self

    @model_validator(mode="after")
    def _asks_for_no_more_specs_than_there_are(self) -> Settings:
        specs = len(self.model.adstocks) * len(self.model.degrees)
        if self.ranking.least_converged_specs > specs:
            raise ValueError(
                f"ranking.least_converged_specs = {self.ranking.least_converged_specs}: the grid of model.adstocks and "
                f"model.degrees has {specs} spec(s), and no more can converge"
            )
        return self

    def for_quick_look(self) -> Settings:
        """Fewer draws, no escalation, and thresholds that so few draws can meet; every output says so."""
        sampler = self.sampler.model_copy(update={"warmup": 300, "draws": 250, "max_escalations": 0})
        convergence = ConvergenceSettings(rhat_max=1.05, ess_min=100, divergence_share_max=0.01)
        return self.model_copy(update={"sampler": sampler, "convergence": convergence, "quick": True})


def load_settings(path: Path) -> Settings:
    """Read and validate a YAML file.

    Relative paths inside it are taken relative to the file's folder.

    Raises:
        SettingsError: the file cannot be read, is not YAML, or holds an unknown key or an impossible value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not valid YAML: {error}") from error
    return parse_settings(content or {}, origin=str(path), base=path.parent)


def parse_settings(content: object, *, origin: str = "settings", base: Path | None = None) -> Settings:
    """Validate plain data (from YAML) into `Settings`; every problem in one message."""
    if not isinstance(content, dict):
        raise SettingsError(
            f"{origin}: expected sections such as 'source:' and 'model:', found {type(content).__name__}"
        )
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        lines = [f"{origin}: {_explain(problem)}" for problem in error.errors()]
        raise SettingsError("\n".join(lines)) from error
    return settings if base is None else _anchored(settings, base)


def _anchored(settings: Settings, base: Path) -> Settings:
    """Settings whose relative paths are resolved against `base`."""
    changes: dict[str, Section] = {}
    if settings.source.path is not None:
        changes["source"] = settings.source.model_copy(update={"path": (base / settings.source.path).resolve()})
    if settings.landing.file is not None:
        changes["landing"] = settings.landing.model_copy(update={"file": (base / settings.landing.file).resolve()})
    if settings.features.path is not None:
        changes["features"] = settings.features.model_copy(update={"path": (base / settings.features.path).resolve()})
    if settings.gemini.prompts is not None:
        changes["gemini"] = settings.gemini.model_copy(update={"prompts": (base / settings.gemini.prompts).resolve()})
    if settings.events.path is not None:
        changes["events"] = settings.events.model_copy(update={"path": (base / settings.events.path).resolve()})
    return settings.model_copy(update=changes)


def _explain(problem: Any) -> str:
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown key {key!r}{hint} (known here: {', '.join(known)})"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key or 'settings'} = {problem['input']!r}: {message}" if key else message


def _known_keys(location: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return []
        model = field.annotation
    return sorted(model.model_fields)
