"""The weekly job: everything, in the right order, in one run; what is overdue; the job of a what-if budget."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import Any

import dagster as dg

from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.errors import SettingsError
from mmm_pipeline.orchestration.assets.by_hand.scenario import BUDGET_SCENARIO, checked_scenario
from mmm_pipeline.orchestration.assets.results.backtest import BACKTEST_TABLES
from mmm_pipeline.orchestration.runs.coordination import BACKTEST_JOB, DECISIONS_JOB, REFRESH_JOB
from mmm_pipeline.orchestration.runs.tags import run_tags
from mmm_pipeline.reporting.narratives.names import NARRATIVES
from mmm_pipeline.settings.pipeline import Settings

__all__ = [
    "SCENARIO_JOB",
    "backtest_job",
    "decisions_job",
    "engine_job",
    "engine_job_name",
    "refresh_job",
]
__all__ += ["scenario_job", "watched_for_freshness", "weekly_schedule"]


AssetJob = Any
"""What `dg.define_asset_job` returns; its class has no public name."""

SCENARIO_JOB = "scenario"
_SHOWS_ENGINES = ("engine_comparison", "engine_scores", "charts", *NARRATIVES, "decision_report")


def refresh_job(settings: Settings, engines: Sequence[Engine] = ()) -> AssetJob:
    """All assets but those launched by hand, of one partition.

    Of the engines only those of `engines.run` take part.
    """
    by_hand = [engine.asset for engine in engines if engine.name not in settings.engines.run]
    return dg.define_asset_job(
        REFRESH_JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(BUDGET_SCENARIO, *BACKTEST_TABLES, *by_hand),
        description="From the campaign source to the decision report: every asset and every spec, for one week or "
        "month.",
    )


def _decisions() -> dg.AssetSelection:
    return dg.AssetSelection.assets("attribution", "budget_plan").upstream().required_multi_asset_neighbors()


def decisions_job() -> AssetJob:
    """What the attribution and the budget plan are made of."""
    return dg.define_asset_job(
        DECISIONS_JOB,
        selection=_decisions(),
        description="From the campaign source to the budget plan, without pictures and reports.",
    )


def backtest_job() -> AssetJob:
    """The decisions of a partition that is over, and how they did since."""
    return dg.define_asset_job(
        BACKTEST_JOB,
        selection=_decisions() | dg.AssetSelection.assets(*BACKTEST_TABLES),
        description="Backtest: backfill it over past weeks to rebuild what was known, forecast and advised then, and "
        "to score it against what happened since.",
    )


def scenario_job() -> AssetJob:
    """The what-if budget alone."""
    return dg.define_asset_job(
        SCENARIO_JOB,
        selection=dg.AssetSelection.assets(BUDGET_SCENARIO),
        description="A what-if budget from the saved champion: set its options in the launchpad.",
        config=checked_scenario,
    )


def engine_job_name(engine: str) -> str:
    """The job that asks one engine."""
    return f"ask_{engine}"


def engine_job(engine: Engine) -> AssetJob:
    """One engine on the stored inputs, and what shows its answer."""
    return dg.define_asset_job(
        engine_job_name(engine.name),
        selection=dg.AssetSelection.assets(engine.asset, *_SHOWS_ENGINES),
        description=f"{engine.title} on the stored inputs, then comparison, pictures and report anew.",
    )


def weekly_schedule(settings: Settings, job: AssetJob) -> dg.ScheduleDefinition:
    """Off until switched on in the UI. A tick fills the partition of the day before it.

    Raises:
        SettingsError: Dagster does not take the schedule, although the settings do.
    """
    calendar = settings.calendar

    def present(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.astimezone(zoneinfo.ZoneInfo(calendar.timezone)).date()
        return dg.RunRequest(partition_key=calendar.present(day).key, tags=run_tags(settings))

    try:
        return dg.ScheduleDefinition(
            name="weekly_refresh",
            target=job,
            cron_schedule=settings.schedule.cron,
            execution_timezone=settings.schedule.timezone,
            execution_fn=present,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description="Refresh everything, into the partition of the week (or month) that the day before belongs to.",
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise SettingsError(f"schedule.cron = {settings.schedule.cron!r}: Dagster does not take it: {error}") from error


def watched_for_freshness(asset: dg.AssetsDefinition, settings: Settings) -> dg.AssetsDefinition:
    """The asset with a freshness policy: it fails when the last materialization is `schedule.freshness_days` old.

    A refresh that reuses the stored fit counts: the posterior is then what today's data would give.
    Dagster's daemon judges by the event log alone, so that nothing of the model is loaded for it.
    """
    policy = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=settings.schedule.freshness_days))
    return asset.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=policy))
