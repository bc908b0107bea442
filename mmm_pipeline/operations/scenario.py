"""What-if budgets from the saved champion: no fitting, no change to the live plan."""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import InfeasibleBudget, SettingsError, StoredResultError
from mmm_pipeline.mmm.reasons import told_reasons
from mmm_pipeline.operations.amounts import amount
from mmm_pipeline.operations.budget_requests import budget_request
from mmm_pipeline.operations.plausibility import implausible_sentences
from mmm_pipeline.settings.pipeline import BudgetSettings, Settings, parse_settings
from mmm_pipeline.settings.plain_names import plain_name
from mmm_pipeline.settings.time import length_of
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.home import Home, RefreshFolder
from mmm_pipeline.storage.places import names, place_of, write_folder

if TYPE_CHECKING:
    import pandas as pd

    from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["Scenario", "ScenarioOptions", "check_feasible", "check_options", "plan_scenario", "publish_scenario"]
__all__ += ["read_champion", "write_scenario"]

_CHAMPION = "champion_model"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_LONGEST = 200


@dataclass(frozen=True)
class ScenarioOptions:
    """What differs from the budget settings in force.

    Attributes:
        name: of the scenario's folder; empty: the time of the run.
        budget: `120%` of what the last horizon cost, or an amount; empty: as the settings have it.
        lock: further channels that keep their spend.
        bounds: `0.5:2` for all channels, or `CHANNEL=0.8:1.5` for one; multiples of the current spend.
        target_kpi: instead of a budget: spend as little as reaches this media KPI.
        target_roi: instead of a budget: spend until the next unit of currency brings no more KPI than this.
        horizon: length of the plan, `8w`, `28d` or a number of periods; None: as the settings have it.
    """

    name: str = ""
    budget: str = ""
    lock: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    target_kpi: float | None = None
    target_roi: float | None = None
    horizon: str | int | None = None


@dataclass(frozen=True)
class Scenario:
    """A scenario's plan.

    Attributes:
        name: of its folder.
        table: the contract `budget_plan`, with `today_spend`, the last horizon's spend as it was, after `channel`;
            `change` is against that. `has_evidence`: whether the data tells what the channel brings; `warning`: where
            the results behind the plan cannot be right, the same in every row.
        summary: the one row of the contract `budget_summary`; its verdict is `implausible` likewise.
        reallocation: the contract `reallocation`: moves against today's mix at the scenario's total, with
            `from_has_evidence`, `to_has_evidence` and `warning`.
        implausible: why the results behind the plan cannot be right, in English; empty: nothing speaks against them.
        notes: what has to be known of it.
    """

    name: str
    table: pd.DataFrame
    summary: dict[str, Any]
    reallocation: pd.DataFrame
    implausible: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; figures that do not exist are null."""
        rows = {"channels": self.table, "reallocation": self.reallocation}
        plain = {
            name: [{str(column): _plain(value) for column, value in row.items()} for row in table.to_dict("records")]
            for name, table in rows.items()
        }
        figures = {name: _plain(value) for name, value in self.summary.items()}
        return {"name": self.name, "implausible": list(self.implausible), **figures, **plain, "notes": list(self.notes)}


def read_champion(folder: RefreshFolder, settings: Settings) -> Fit:
    """The saved champion, from where the settings keep artifacts.

    Raises:
        StoredResultError: there is none yet, or it is damaged.
    """
    _require_champion(folder, settings)
    return artifact_store(settings, folder).read_fit(_CHAMPION)[0]


def _require_champion(folder: RefreshFolder, settings: Settings) -> None:
    if not artifact_store(settings, folder).has(_CHAMPION):
        home = folder.home
        raise StoredResultError(
            f"{home.root}: there is no champion model yet, so nothing to plan with: run `mmm run --home "
            f"{shlex.quote(str(home.root))}` first"
        )


def check_options(options: ScenarioOptions) -> None:
    """What can be said of the options alone, without channels, settings or champion.

    Raises:
        SettingsError: an option cannot be read, or contradicts another.
    """
    if options.name and not _NAME.match(options.name):
        raise SettingsError(
            f"the scenario name {_shown(options.name)} is not acceptable: up to 64 letters, digits, _ and -, "
            "a letter or digit first"
        )
    _budget(BudgetSettings(), options, today=1.0)


def check_feasible(folder: RefreshFolder, settings: Settings, options: ScenarioOptions) -> None:
    """What can be said before the champion's draws are read, which takes a while: by its days of spend alone.

    Raises:
        SettingsError: an option cannot be read, names no channel, or cannot be met; the message names the options.
        StoredResultError: there is no champion yet, or it is damaged.
    """
    from mmm_pipeline.mmm.budget.problem import budget_problem
    from mmm_pipeline.mmm.data.spend_basis import current_spend_of, latest_spend_of

    check_options(options)
    _require_champion(folder, settings)
    channels, spend, grid = artifact_store(settings, folder).read_fit_spend(_CHAMPION)
    periods = _horizon(settings.budget, options).horizon_periods(grid.step)
    current = current_spend_of(spend, periods)
    budget = _budget(settings.budget, options, float(current.sum()))
    try:
        budget_problem(channels, current, budget_request(budget, grid.step), latest_spend_of(spend, periods)[0])
    except InfeasibleBudget as error:
        given = [
            *([f"--budget {options.budget}"] if options.budget else []),
            *(f"--bounds {text}" for text in options.bounds),
            *(f"--lock {text}" for text in options.lock),
            *([f"--horizon {options.horizon}"] if options.horizon else []),
        ]
        raise SettingsError(f"{_shown(' '.join(given)) + ': ' if given else ''}{error}") from error


def plan_scenario(fit: Fit, settings: Settings, options: ScenarioOptions) -> Scenario:
    """Plan with the settings in force and what differs from them.

    Raises:
        SettingsError: an option cannot be read, or contradicts another.
        InfeasibleBudget: the constraints cannot be met.
    """
    from mmm_pipeline.mmm.budget.plan import plan_budget
    from mmm_pipeline.mmm.response.response import current_spend
    from mmm_pipeline.mmm.sensitivity.evidence import channel_evidence

    check_options(options)
    name = options.name or datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    step = fit.data.grid.step
    today = current_spend(fit.paid, _horizon(settings.budget, options).horizon_periods(step))
    budget = _budget(settings.budget, options, float(today.sum()))
    evidence = channel_evidence(fit)
    plan = plan_budget(
        fit, budget_request(budget, step), credible_interval=settings.report.credible_interval, evidence=evidence
    )
    summary = {str(column): value for column, value in plan.summary.iloc[0].to_dict().items()}
    table = plan.table.copy()
    table.insert(1, "today_spend", plan.today)
    table["change"] = table["optimal_spend"] - table["today_spend"]
    implausible = implausible_sentences(fit, settings, summary)
    if implausible:
        summary["verdict"] = "implausible"
    unknown = {channel for channel, kind in (evidence or {}).items() if kind == "prior"}
    moves = plan.reallocation.copy()
    table["has_evidence"] = ~table["channel"].isin(unknown)
    for side in ("from", "to"):
        moves[f"{side}_has_evidence"] = ~moves[f"{side}_channel"].isin(unknown)
    for each in (table, moves):
        each["warning"] = implausible[0] if implausible else ""
    held = table.loc[table["is_held"], "channel"].tolist()
    blind = table.loc[~table["has_evidence"] & (table["change"] != 0), "channel"].tolist()
    return Scenario(name, table, summary, moves, implausible, tuple(_notes(fit, summary, blind, held)))


def _notes(fit: Fit, summary: dict[str, Any], blind: Sequence[str], held: Sequence[str]) -> Iterator[str]:
    if held:
        whose = "it brings" if len(held) == 1 else "they bring"
        yield (
            f"held at today's spend, because the data cannot tell what {whose}: {', '.join(held)}; "
            "budget.move_unproven, or bounds of their own, let the plan move them"
        )
    if blind:
        yield (
            f"no evidence: the data cannot tell what {', '.join(blind)} bring{'s' if len(blind) == 1 else ''}, so that "
            "money moves there on assumptions; lock the channel, or run a lift test first"
        )
    if not fit.convergence.converged:
        yield (
            "the champion did not converge, so these figures may change with every run: "
            + told_reasons(fit.convergence.failures)
        )
    basis = summary["basis_end"]
    if basis.date() < fit.data.grid.end:
        yield (
            f"nothing was spent since {basis.date()}: bounds, and the mix that the scenario is compared with, are "
            f"those of the {fit.data.grid.step.counted(int(summary['horizon']))} up to that day"
        )


def publish_scenario(home: Home, settings: Settings, scenario: Scenario) -> Path:
    """Write a scenario as `results/scenarios/NAME` of the home, all of it or nothing; returns the folder.

    With `storage.results`, a copy goes to `scenarios/NAME` there.

    Raises:
        SettingsError: there is a scenario of that name already, or the folder cannot be written.
    """
    folder = home.results / "scenarios" / scenario.name
    elsewhere = settings.storage.results
    copy = place_of(elsewhere) / "scenarios" / scenario.name if elsewhere else None
    if folder.exists() or (copy is not None and names(copy)):
        raise SettingsError(f"{copy or folder}: there is a scenario of this name already: choose another name")
    unfinished = folder.with_name(f".{scenario.name}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        write_scenario(unfinished, settings, scenario)
        unfinished.rename(folder)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be written: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    if copy is not None:
        write_folder(copy, folder)
    return folder


def write_scenario(folder: Path, settings: Settings, scenario: Scenario) -> list[Path]:
    """Write `scenario.csv`, `reallocation.csv`, `scenario.json` and `scenario.png`, each of them atomically."""
    from mmm_pipeline.reporting.charts.decisions.scenario import scenario_chart
    from mmm_pipeline.reporting.text.spreadsheets import write_csv
    from mmm_pipeline.storage.atomic_files import write_bytes, write_text

    picture = scenario_chart(scenario.table, scenario.summary, settings)
    text = json.dumps(scenario.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
    write_csv(scenario.table, folder / "scenario.csv")
    write_csv(scenario.reallocation, folder / "reallocation.csv")
    return [
        folder / "scenario.csv",
        folder / "reallocation.csv",
        write_text(folder / "scenario.json", text + "\n"),
        write_bytes(folder / "scenario.png", picture),
    ]


def _horizon(base: BudgetSettings, options: ScenarioOptions) -> BudgetSettings:
    """The budget settings with the length of the plan that is asked for."""
    asked = None if options.horizon is None else length_of(options.horizon, f"--horizon {_shown(str(options.horizon))}")
    return base if asked is None else base.model_copy(update={"horizon": asked})


def _budget(base: BudgetSettings, options: ScenarioOptions, today: float) -> BudgetSettings:
    """The budget settings with the options on top."""
    base = _horizon(base, options)
    goals = {"--budget": options.budget, "--target-kpi": options.target_kpi, "--target-roi": options.target_roi}
    given = [option for option, value in goals.items() if value not in ("", None)]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)} exclude each other: give one")
    for option, target in (("--target-kpi", options.target_kpi), ("--target-roi", options.target_roi)):
        if target is not None and not (math.isfinite(target) and target > 0):
            raise SettingsError(f"{option} {target:g} is not acceptable: a finite number above 0")
    changes: dict[str, Any] = {}
    if given:
        changes |= {"total": None, "target_kpi": options.target_kpi, "target_marginal_roi": options.target_roi}
    if options.budget:
        changes["total"] = _total(options.budget, today)
    everyone = [_bounds(text) for text in options.bounds if "=" not in text]
    if len(everyone) > 1:
        raise SettingsError("bounds for all channels are given more than once: give one LOW:HIGH")
    if everyone:
        changes["lower"], changes["upper"] = everyone[0]
    single = {plain_name(text.rpartition("=")[0]): _bounds(text) for text in options.bounds if "=" in text}
    changes["bounds"] = {**base.bounds, **single}
    changes["amounts"] = {channel: pair for channel, pair in base.amounts.items() if channel not in single}
    changes["locked"] = tuple(dict.fromkeys((*base.locked, *map(plain_name, options.lock))))
    content = {**base.model_dump(mode="json"), **changes}
    return parse_settings({"budget": content}, origin="scenario").budget


def _total(text: str, today: float) -> float:
    """`120%` of today's total, or an amount."""
    value = amount(text.strip().removesuffix("%"), "--budget")
    if value is None or value <= 0:
        raise SettingsError(f"--budget {_shown(text)} is not a budget: give a share such as 120% or an amount above 0")
    if not text.strip().endswith("%"):
        return value
    if not today > 0:
        raise SettingsError(
            f"--budget {_shown(text)} is a share of what the last horizon cost, and that cost nothing: give an amount"
        )
    return value / 100 * today


def _bounds(text: str) -> tuple[float, float]:
    of_all = text.rpartition("=")[2]
    low, high = (amount(part, f"--bounds {_shown(text)}:") for part in of_all.partition(":")[::2])
    if low is None or high is None:
        raise SettingsError(
            f"--bounds {_shown(text)} cannot be read: give LOW:HIGH, e.g. 0.5:2, or CHANNEL=LOW:HIGH, as finite "
            "multiples of the current spend"
        )
    if not 0 <= low <= high:
        raise SettingsError(f"--bounds {_shown(text)} is not acceptable: 0 <= LOW <= HIGH, both finite")
    if high == 0 and "=" not in text:
        raise SettingsError(f"--bounds {_shown(text)} would allow no spend in any channel: HIGH must be above 0")
    return low, high


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, datetime):
        return value.date().isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
