"""`pipeline.yaml` -> validated settings. Secrets never live here: they come from the environment."""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.settings.decisions import (
    BudgetSettings,
    GeminiSettings,
    ReportSettings,
)
from mmm_pipeline.settings.engines import EngineSettings
from mmm_pipeline.settings.kpi import KpiSettings
from mmm_pipeline.settings.model import ConvergenceSettings, ModelSettings, PriorSettings, SamplerSection
from mmm_pipeline.settings.plain_names import Name
from mmm_pipeline.settings.renamed import present_name, with_present_names
from mmm_pipeline.settings.runs import RunSettings
from mmm_pipeline.settings.schedule import RefreshCalendar, RefreshSettings, ScheduleSettings
from mmm_pipeline.settings.section import Section, Share, SheetNames
from mmm_pipeline.settings.sources import (
    BigQuerySettings,
    DateOrderSetting,
    LandingSettings,
    Source,
    SourceSettings,
    StorageSettings,
    WarehouseSettings,
    is_url,
)
from mmm_pipeline.settings.tables import ChannelSettings, ColumnSettings, ControlSettings
from mmm_pipeline.settings.time import HOLDOUT, Length, TimeSettings, periods_of
from mmm_pipeline.settings.yaml_file import YamlFile, read_yaml

__all__ = ["Settings", "load_settings", "parse_settings"]

_LONGEST_SHOWN = 200


class ValidationSettings(Section):
    """When the rows are too bad to go on."""

    max_rejected_share: Share = Field(0.05, description="the run stops when more rows than this are rejected")
    missing_kpi: Literal["error", "zero"] = Field(
        "error", description="a period without any row, of all or of a market: refuse, or KPI 0"
    )
    incomplete_kpi: Literal["error", "accept"] = Field(
        "error", description="a date whose KPI is incomplete because rows were refused: stop, or take what is left"
    )
    equal_rows: Literal["ask", "once", "each"] = Field(
        "ask",
        description="rows equal in every column: once: the same row twice; each: separate events, e.g. orders; ask: "
        "once where there is media or spend, an error where there is KPI only",
    )
    total_rows: dict[str, tuple[Name, ...]] = Field(
        default_factory=dict, description="header: names whose rows are sums of other rows, and are left out"
    )


class SplitSettings(Section):
    """Train window and holdout."""

    holdout: Length | None = Field(
        None,
        description="last periods kept for scoring; empty: 28 days, 8 weeks or 3 months; ignored when holdout_start is "
        "set",
    )
    holdout_start: dt.date | None = Field(None, description="first day of the holdout")
    rolling_origins: int = Field(
        0,
        ge=0,
        le=20,
        description="score over this many expanding windows instead of one; k windows cost k fits a spec",
    )
    as_of: dt.date | None = Field(
        None,
        description="rows dated later are not seen, whatever the partition; e.g. to leave out a last day that is not "
        "complete",
    )

    def holdout_periods(self, step: Step) -> int:
        """Length of the holdout on data of a step.

        Raises:
            SettingsError: it is no whole number of periods.
        """
        return periods_of(self.holdout, step, HOLDOUT, "split.holdout")


class RankingSettings(Section):
    """How the specs are compared."""

    error: Literal["mape", "wape", "rmse", "crps"] = Field("mape", description="which error ranks the specs")
    averaging: Literal["none", "stacking"] = Field(
        "none", description="stacking: also an attribution averaged over the specs that predict about equally well"
    )
    least_converged_specs: int = Field(
        1, ge=1, description="specs of the grid that must have converged; with fewer there is no champion"
    )


class EventDates(Section):
    """One event and its dates."""

    event: Name = Field(min_length=1, description="its name; the same name on several entries is one effect")
    dates: tuple[dt.date, ...] = Field(min_length=1, description="days of the event")
    days_before: int = Field(0, ge=0, le=60, description="days before each date that belong to it")
    days_after: int = Field(0, ge=0, le=60, description="days after each date that belong to it")


class EventSettings(Section):
    """Holidays, promotions and other events: one coefficient each, on the days of its windows."""

    path: Path | None = Field(
        None,
        description="CSV, XLSX, Parquet or Arrow file with the columns event, date and, optionally, days_before and "
        "days_after",
    )
    sheet: SheetNames = Field(None, description="of a workbook, the sheet or list of sheets to read, as in source")
    date_order: DateOrderSetting = Field("auto", description="of the file's dates, as source.date_order")
    calendar: tuple[EventDates, ...] = Field((), description="events given here, beside those of the file")


class Settings(Section):
    """Everything a run can be told. `quick` is set by `--quick` only."""

    source: Source = SourceSettings()
    landing: LandingSettings = LandingSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    storage: StorageSettings = StorageSettings()
    bigquery: BigQuerySettings = BigQuerySettings()
    columns: ColumnSettings = ColumnSettings()
    kpi: KpiSettings = KpiSettings()
    time: TimeSettings = TimeSettings()
    validation: ValidationSettings = ValidationSettings()
    channels: ChannelSettings = ChannelSettings()
    split: SplitSettings = SplitSettings()
    ranking: RankingSettings = RankingSettings()
    controls: ControlSettings = ControlSettings()
    events: EventSettings = EventSettings()
    model: ModelSettings = ModelSettings()
    sampler: SamplerSection = SamplerSection()
    convergence: ConvergenceSettings = ConvergenceSettings()
    priors: PriorSettings = PriorSettings()
    budget: BudgetSettings = BudgetSettings()
    engines: EngineSettings = EngineSettings()
    report: ReportSettings = ReportSettings()
    gemini: GeminiSettings = GeminiSettings()
    runs: RunSettings = RunSettings()
    refreshes: RefreshSettings = RefreshSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    quick: bool = Field(False, description="set by --quick: fewer draws, looser thresholds; every output says so")

    @model_validator(mode="after")
    def _lands_in_a_table(self) -> Settings:
        if self.landing.file is not None and self.source.kind not in ("duckdb", "bigquery"):
            given = "not given" if self.source.kind is None else repr(self.source.kind)
            raise ValueError(
                f"landing.file lands in the table of source, and source.kind is {given}: accepted with it are 'duckdb' "
                "and 'bigquery'"
            )
        return self

    @property
    def own_kpi_source(self) -> SourceSettings | None:
        """Where the KPI has a table of its own; None: it stands in the rows of the media."""
        if self.kpi.source.kind is not None:
            return self.kpi.source
        return self.source if self.columns.is_wide else None

    @property
    def not_landed(self) -> str | None:
        """Why `mmm load` cannot store the tables that these settings describe; None: it can."""
        if self.columns.is_wide:
            reads = "columns per channel (columns.wide, columns.patterns)"
        elif self.own_kpi_source is not None:
            reads = f"the KPI from a source of its own (kpi.source: {self.own_kpi_source.described})"
        else:
            return None
        return (
            "`mmm load` stores long tables, whose rows hold a channel's media and the KPI, and these settings read "
            f"{reads}: point source at the file itself, or load the tables into a database with its own tools"
        )

    @property
    def control_source(self) -> SourceSettings | None:
        """Where the controls are; None: there are none."""
        if self.controls.source.kind is not None:
            return self.controls.source
        return self.source if self.controls.columns else None

    @model_validator(mode="after")
    def _lands_long_rows(self) -> Settings:
        if self.landing.file is not None and (reason := self.not_landed) is not None:
            raise ValueError(f"landing.file: {reason}")
        return self

    @model_validator(mode="after")
    def _reads_controls_from_where_it_can(self) -> Settings:
        source = self.control_source
        if source is not None and source.kind == "bigquery":
            setting = "source" if self.controls.source.kind is None else "controls.source"
            raise ValueError(
                f"controls are not read from BigQuery, and {setting}.kind is 'bigquery': export them to a file (or a "
                "DuckDB table) and name it in controls.source, e.g. controls.source: controls.csv"
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

    @property
    def calendar(self) -> RefreshCalendar:
        """How time is divided into partitions."""
        return RefreshCalendar.of(self.refreshes, self.schedule)

    def as_of(self, day: dt.date) -> Settings:
        """The same settings as of the evening of a day: later rows are not seen, and nothing is landed."""
        split = self.split.model_copy(update={"as_of": day})
        return self.model_copy(update={"split": split, "landing": LandingSettings()})

    def for_quick_look(self) -> Settings:
        """Fewer draws, no try from the start again, and thresholds that so few draws can meet; every output says so."""
        sampler = self.sampler.model_copy(
            update={"warmup": 300, "draws": 250, "max_escalations": 0, "max_extensions": 4}
        )
        convergence = ConvergenceSettings(rhat_max=1.05, ess_min=100, divergence_share_max=0.01)
        return self.model_copy(update={"sampler": sampler, "convergence": convergence, "quick": True})

    def after_quick_look(self) -> Settings:
        """Undo `for_quick_look`, as far as the settings themselves know: what it changed is at its default again."""
        if not self.quick:
            return self
        defaults = SamplerSection()
        changed = {name: getattr(defaults, name) for name in ("warmup", "draws", "max_escalations", "max_extensions")}
        sampler = self.sampler.model_copy(update=changed)
        return self.model_copy(update={"sampler": sampler, "convergence": ConvergenceSettings(), "quick": False})

    def with_source(self, source: SourceSettings, *, origin: str) -> Settings:
        """The same settings with other campaign rows.

        Raises:
            SettingsError: another setting does not go with them; `origin` says who named them.
        """
        return parse_settings({**dict(self), "source": source}, origin=origin)


def load_settings(path: Path, *, earlier_names: bool = False) -> Settings:
    """Read and validate a YAML file.

    Relative paths inside it are taken relative to the file's folder.

    Args:
        path: of the file.
        earlier_names: whether settings may have the names of an earlier version, as in the memory of a home.

    Raises:
        SettingsError: the file cannot be read, is not YAML, or holds an unknown key or an impossible value.
    """
    file = read_yaml(path)
    content = {} if file.content is None else file.content
    if earlier_names:
        content = with_present_names(content)
    return parse_settings(content, origin=str(path), base=path.parent, file=file)


def parse_settings(
    content: object, *, origin: str = "settings", base: Path | None = None, file: YamlFile | None = None
) -> Settings:
    """Validate plain data (from YAML) into `Settings`; every problem in one message, with its line where `file` is."""
    if not isinstance(content, dict):
        raise SettingsError(
            f"{origin}: expected sections such as 'source:' and 'model:', found {type(content).__name__}"
        )
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        lines = [f"{_place(problem, origin, file)}: {_explain(problem, file)}" for problem in error.errors()]
        raise SettingsError("\n".join(lines)) from error
    return settings if base is None else _anchored(settings, base)


def _anchored(settings: Settings, base: Path) -> Settings:
    """Settings whose relative paths are resolved against `base`."""
    changes: dict[str, Section] = {}
    changes["source"] = settings.source.anchored(base)
    for name in ("kpi", "controls"):
        section = getattr(settings, name)
        changes[name] = section.model_copy(update={"source": section.source.anchored(base)})
    if settings.landing.file is not None:
        changes["landing"] = settings.landing.model_copy(update={"file": (base / settings.landing.file).resolve()})
    if settings.gemini.prompts is not None:
        changes["gemini"] = settings.gemini.model_copy(update={"prompts": (base / settings.gemini.prompts).resolve()})
    if settings.engines.folder is not None:
        changes["engines"] = settings.engines.model_copy(update={"folder": (base / settings.engines.folder).resolve()})
    if settings.events.path is not None:
        changes["events"] = settings.events.model_copy(update={"path": (base / settings.events.path).resolve()})
    storage = {
        name: str((base / location).resolve())
        for name, location in settings.storage
        if location and not is_url(location)
    }
    if storage:
        changes["storage"] = settings.storage.model_copy(update=storage)
    return settings.model_copy(update=changes)


def _place(problem: Any, origin: str, file: YamlFile | None) -> str:
    line = None if file is None else file.line(problem["loc"])
    return origin if line is None else f"{origin}, line {line}"


def _explain(problem: Any, file: YamlFile | None) -> str:
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        renamed = present_name(location)
        if renamed:
            return f"{key!r} has another name: write {renamed}"
        known = _known_keys(location[:-1])
        near = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown key {key!r}{hint} (known here: {', '.join(known)})"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "string_pattern_mismatch":
        message = _meaning(location) or message
    if problem["type"] == "string_type" and isinstance(problem["input"], bool | int | float | dt.date):
        written = None if file is None else file.written(problem["loc"])
        message += f': write it in quotes, "{written or problem["input"]}"'
    return f"{key} = {_shown(problem['input'])}: {message}" if key else message


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _meaning(location: list[str]) -> str:
    """The description of a field of a section; empty when there is none."""
    field = Settings.model_fields.get(location[0])
    if field is None or len(location) < 2 or not isinstance(field.annotation, type):
        return ""
    inner = field.annotation.model_fields.get(location[1]) if issubclass(field.annotation, BaseModel) else None
    return f"accepted: {inner.description}" if inner is not None and inner.description else ""


def _known_keys(location: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return []
        model = field.annotation
    return sorted(model.model_fields)
