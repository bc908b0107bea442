"""Stage 6: pictures, and the page that a manager can be sent."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from mmm_pipeline.orchestration.assets.reporting.pictures import inline_picture
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.reporting.narratives.names import NARRATIVES
from mmm_pipeline.reporting.results.stored import EDA_PROFILE, REPORTED_TABLES, result_tables
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.tables.catalog import about, published_tables

if TYPE_CHECKING:
    from mmm_pipeline.reporting.charts.catalog import Chart
    from mmm_pipeline.reporting.narratives.template import Narratives
    from mmm_pipeline.reporting.results.tables import Language, ResultTables

__all__ = ["charts", "decision_report"]

_GROUP = "reports"
_SHOWN_CHARTS = ("waterfall", "drift", "response_curves", "predictive_check", "activity", "collinearity")
"""In the event log; what else there is to see is shown by the asset that it is about, or lies in the folder."""
_TABLES = sorted({*REPORTED_TABLES, *published_tables(), EDA_PROFILE, "campaign_totals"})
_REPORTED = [*_TABLES, "charts", *NARRATIVES]


@dg.asset(
    name="charts",
    deps=_TABLES,
    group_name=_GROUP,
    kinds={"matplotlib"},
    description="Every picture of the report as a PNG file, in every language of the settings.",
)
def charts(workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Draw the stored tables."""
    workspace.require_one_generation(_TABLES)
    tables = result_tables(workspace)
    started = time.perf_counter()
    shown: dict[str, dg.MarkdownMetadataValue] = {}
    number = 0
    for language in tables.settings.report.languages:
        with scratch_folder("charts") as folder:
            drawn = _draw(workspace, tables, folder, language)
            number += len(drawn) + _draw_markets(workspace, tables, folder / "markets", language)
            workspace.artifacts().write_pictures(f"charts/{language}", folder)
            shown = shown or _shown(drawn)
    return dg.MaterializeResult(
        metadata={
            "charts": number,
            "seconds": time.perf_counter() - started,
            "folder": dg.MetadataValue.path(str(workspace.artifacts().root / "charts")),
            **shown,
        },
        data_version=workspace.made("charts"),
    )


def _shown(drawn: list[Chart]) -> dict[str, dg.MarkdownMetadataValue]:
    return {
        chart.title: inline_picture(chart.path.read_bytes(), chart.name)
        for chart in drawn
        if chart.name in _SHOWN_CHARTS
    }


def _draw(workspace: WorkspaceResource, tables: ResultTables, folder: Path, language: Language) -> list[Chart]:
    """Draw into a folder of this machine; the words of each picture go into the artifacts."""
    from mmm_pipeline.reporting.charts.catalog import draw_charts

    drawn = draw_charts(tables, folder, language)
    workspace.artifacts().write_json(
        f"charts.{language}", [{**vars(chart), "path": chart.path.name} for chart in drawn]
    )
    return drawn


def _draw_markets(workspace: WorkspaceResource, tables: ResultTables, folder: Path, language: Language) -> int:
    """The pictures of every market by itself, beside those of all together; returns their number."""
    from mmm_pipeline.reporting.charts.market_charts import MARKET_TABLES, draw_market_charts

    if not len(tables.attribution_by_market):
        return 0
    warehouse = workspace.warehouse()
    by_market = {name: warehouse.read_table(f"{name}_by_market") for name in MARKET_TABLES}
    return sum(len(drawn) for drawn in draw_market_charts(tables, by_market, folder, language).values())


@dg.asset(
    name="decision_report",
    deps=_REPORTED,
    group_name=_GROUP,
    kinds={"html"},
    description="The results folder: one self-contained HTML page, the same in Markdown, CSV tables and summary.json.",
)
def decision_report(workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Publish everything of this partition at once; readers of `results/latest` never see half of it."""
    from mmm_pipeline.storage.places import place_of
    from mmm_pipeline.storage.results import copy_results, forget_old, publish

    workspace.require_one_generation(_REPORTED)
    home, settings, key = workspace.home, workspace.settings(), workspace.folder().key
    today = settings.calendar.today().isoformat()
    results = publish(home.results, key, lambda folder: _write_results(workspace, folder), today=today)
    is_latest = home.latest_results.resolve() == results.resolve()
    elsewhere = settings.storage.results
    copied = copy_results(results, place_of(elsewhere), is_latest=is_latest) if elsewhere else None
    removed = forget_old(home, workspace.full_settings())
    shown = home.latest_results if is_latest else results
    dg.get_dagster_logger().info(f"report: {shown / 'report.html'}")
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.path(str(shown / "report.html")),
            "summary": dg.MetadataValue.path(str(shown / "summary.json")),
            "folder": dg.MetadataValue.path(str(shown)),
            **({"copy": dg.MetadataValue.path(str(copied))} if copied else {}),
            **({"removed_partitions": ", ".join(removed)} if removed else {}),
        },
        data_version=workspace.made("decision_report"),
    )


def _write_results(workspace: WorkspaceResource, folder: Path) -> None:
    from mmm_pipeline.reporting.charts.stored import stored_charts
    from mmm_pipeline.reporting.page.report import write_report
    from mmm_pipeline.reporting.page.summary import build_summary
    from mmm_pipeline.reporting.text.spreadsheets import write_csv

    tables, warehouse = result_tables(workspace), workspace.warehouse()
    languages = tables.settings.report.languages
    # The first language's pictures lie in charts/ itself, those of others in a folder of their own.
    places = {language: folder / "charts" / ("" if language == languages[0] else language) for language in languages}
    drawn = {}
    for language, place in places.items():
        place.mkdir(parents=True)
        drawn[language] = stored_charts(workspace.artifacts(), language, place)
    write_report(tables, drawn, {language: _narratives(workspace, language) for language in languages}, folder)
    for name in published_tables():
        # The leaderboard marks the spec that decisions use, which the stored one cannot know yet.
        table = tables.leaderboard if name == "leaderboard" else warehouse.read_table(name)
        if name == "reallocation":
            table = _with_evidence(table, tables.budget_plan)
        if len(table) or about(name).published_when_empty:
            write_csv(table, folder / f"{about(name).published_as}.csv")
    if len(tables.attribution_by_market):
        for language, place in places.items():
            workspace.artifacts().take_pictures(f"charts/{language}/markets", place / "markets")
    summary = json.dumps(build_summary(tables), ensure_ascii=False, indent=2, allow_nan=False)
    (folder / "summary.json").write_text(summary + "\n", encoding="utf-8")


def _with_evidence(moves: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """The moves with where both returns come from, for whoever opens them without the plan."""
    evidence = plan.set_index("channel")["evidence"].to_dict()
    return moves.assign(**{f"{side}_evidence": moves[f"{side}_channel"].map(evidence) for side in ("from", "to")})


def _narratives(workspace: WorkspaceResource, language: Language) -> Narratives:
    from mmm_pipeline.reporting.narratives.template import Narratives

    read = workspace.artifacts().read_text
    return Narratives(
        eda=read(f"eda_report.{language}", ".md"),
        charts=read(f"chart_report.{language}", ".md"),
        budget=read(f"budget_report.{language}", ".md"),
        advice=read(f"model_advice.{language}", ".md"),
    )
