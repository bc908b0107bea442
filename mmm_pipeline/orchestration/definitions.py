"""The one Definitions object: what is in the pipeline, at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import dagster as dg

from mmm_pipeline.orchestration.assets.by_hand import scenario
from mmm_pipeline.orchestration.assets.data import ingestion, inputs, landing, priors, profile
from mmm_pipeline.orchestration.assets.engines import comparison as engine_comparison
from mmm_pipeline.orchestration.assets.engines import engine_runs as engines
from mmm_pipeline.orchestration.assets.fits import agreement, fitting, model_checks, selection
from mmm_pipeline.orchestration.assets.reporting import narratives, reports
from mmm_pipeline.orchestration.assets.results import backtest, decisions, drift, markets
from mmm_pipeline.orchestration.automation import (
    backtest_job,
    decisions_job,
    engine_job,
    refresh_job,
    scenario_job,
    watched_for_freshness,
    weekly_schedule,
)
from mmm_pipeline.orchestration.checks.contracts import all_checks
from mmm_pipeline.orchestration.failure_notice import run_failure_notice
from mmm_pipeline.orchestration.metadata.presentation import presented
from mmm_pipeline.orchestration.resources.fixed import fixed, fixed_for_run, fixed_over
from mmm_pipeline.orchestration.resources.gemini import Gemini
from mmm_pipeline.orchestration.resources.io_managers import NetcdfIOManager, NoIOManager, TableIOManager
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.orchestration.runs.executor import executor_of
from mmm_pipeline.orchestration.runs.partitions import partitions_of
from mmm_pipeline.orchestration.versions import code_version
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.settings_in_force import effective_settings

__all__ = ["build_pipeline"]


def build_pipeline(
    home: Home,
    config: Path | None,
    *,
    also_engines: Sequence[str] = (),
    quick: bool = False,
    replace: bool = False,
    problem: str | None = None,
) -> dg.Definitions:
    """The pipeline over one home folder and one settings file.

    Args:
        home: where everything is kept.
        config: settings file in force; None: there is none.
        also_engines: engines beside those of the settings and those already run in this home.
        quick: fewer draws.
        replace: rows of another source may take the place of those in the home.
        problem: why the settings cannot be used. Everything is shown then, and every run fails with this message.

    Raises:
        SettingsError: the settings cannot be accepted.
        EngineError: they name an engine that does not exist.
    """
    settings = effective_settings(home, config) if problem is None else Settings()
    asked = engines.asked_engines(settings, [*also_engines, *engines.answered_engines(home, settings)])
    engine_assets = engines.build_engine_assets(asked)
    refresh = refresh_job(settings, asked)
    landing_assets = [landing.landed_campaigns] if settings.landing.file is not None else []
    version = partial(code_version, settings, quick=quick)
    assets = presented(
        [
            *landing_assets,
            ingestion.build_ingest_campaigns(deps=[asset.key.to_user_string() for asset in landing_assets]),
            inputs.media_matrix,
            inputs.model_inputs,
            priors.prior_check,
            profile.eda_profile,
            *fitting.build_spec_assets(settings.model),
            fitting.build_fitted_model(settings.model),
            selection.leaderboard,
            selection.forecast,
            watched_for_freshness(selection.champion_model, settings),
            selection.champion_fit,
            agreement.spec_agreement,
            *engine_assets,
            engine_comparison.build_engine_comparison([asset.key.to_user_string() for asset in engine_assets]),
            decisions.attribution,
            markets.attribution_by_market,
            markets.response_curves_by_market,
            decisions.retention_density,
            decisions.response_curves,
            model_checks.predictive_check,
            model_checks.prior_posterior_density,
            model_checks.worst_parameter_draws,
            decisions.budget_plan,
            drift.drift,
            reports.charts,
            narratives.eda_report,
            narratives.chart_report,
            narratives.budget_report,
            narratives.model_advice,
            reports.decision_report,
            backtest.backtest,
        ],
        settings,
        engines=[engine.asset for engine in asked],
        partitions=partitions_of(settings, home.first_known()),
        version=version,
    )
    workspace = RunWorkspace(
        root=str(home.root),
        config=str(config) if config else None,
        quick=quick,
        replace=replace,
        problem=problem,
        upstream={spec.key.to_user_string(): _names(spec.deps) for asset in assets for spec in asset.specs},
    )
    return dg.Definitions(
        assets=[*assets, *presented([scenario.budget_scenario], settings, version=version)],
        asset_checks=all_checks(),
        jobs=[refresh, decisions_job(), scenario_job(), backtest_job(), *map(engine_job, asked)],
        schedules=[weekly_schedule(settings, refresh)],
        sensors=[run_failure_notice],
        resources={
            "workspace": fixed_for_run(workspace.for_run),
            "gemini": fixed_over(Gemini),
            "tables": fixed_over(TableIOManager, is_io_manager=True),
            "arrays": fixed_over(NetcdfIOManager, is_io_manager=True),
            "io_manager": fixed(NoIOManager()),
        },
        executor=executor_of(settings.runs, workspace),
        metadata={"settings": str(config) if config else "none"} if problem is None else {"problem": problem},
    )


def _names(deps: Iterable[dg.AssetDep]) -> tuple[str, ...]:
    return tuple(dep.asset_key.to_user_string() for dep in deps)
