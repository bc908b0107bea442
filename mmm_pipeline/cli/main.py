"""The `mmm` command."""

from __future__ import annotations

import importlib.metadata
import json
import shlex
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mmm_pipeline.cli.backtest import backtest
from mmm_pipeline.cli.command_line import (
    ConfigOption,
    FileArgument,
    HomeOption,
    QuickOption,
    ReadableCommand,
    ReadableErrors,
    ReplaceOption,
    SourceOption,
    fail,
    in_force,
    may_replace,
)
from mmm_pipeline.cli.engines import engines_app
from mmm_pipeline.cli.init import init
from mmm_pipeline.cli.output import console, display_console, print_json, print_text
from mmm_pipeline.cli.ui import ui
from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.schedule import Period
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.champions import champion_is_quick
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.workspace import newest_refresh

__all__ = ["app"]

app = typer.Typer(
    name="mmm",
    cls=ReadableCommand,
    help="Marketing mix modelling as a pipeline: from raw campaign rows to a budget you can defend.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    suggest_commands=False,  # click names the nearest command already
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(engines_app, name="engines")


class Narrative(StrEnum):
    """The narratives that Gemini can write."""

    eda_report = "eda_report"
    chart_report = "chart_report"
    budget_report = "budget_report"
    model_advice = "model_advice"


def _print_version(wanted: bool) -> None:
    if wanted:
        print_text(f"mmm {importlib.metadata.version('mmm_pipeline')}")
        raise typer.Exit


@app.callback()
def mmm(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Marketing mix modelling as a pipeline: from raw campaign rows to a budget you can defend."""


@app.command()
def run(
    file: FileArgument = None,
    source: SourceOption = None,
    config: ConfigOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Use the embedded demo market, whatever the settings say.")
    ] = False,
    quick: QuickOption = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Fill the partition that ends on this day with what was known then; others stay as they are.",
        ),
    ] = None,
    replace: ReplaceOption = False,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Run everything: read the rows, fit the models, attribute, plan the budget, write the report."""
    shown = console()
    folder = Home(home.resolve())
    with ReadableErrors():
        found = in_force(folder, config, file=file, source=source, demo=demo)
        settings = found.settings
        calendar = settings.calendar
        period = calendar.present() if as_of is None else calendar.ending(as_of.date(), "--as-of")
        replace = may_replace(folder, settings.source, replace)
        from mmm_pipeline.cli.terminal import RunDisplay
        from mmm_pipeline.orchestration.headless import build_definitions, refresh
        from mmm_pipeline.orchestration.resources.gemini import what_leaves_the_machine
        from mmm_pipeline.orchestration.runs import progress
        from mmm_pipeline.orchestration.runs.coordination import REFRESH_JOB

        if quick:
            shown.print("[yellow]quick run: fewer draws; look around, do not decide on it[/yellow]")
        for line in what_leaves_the_machine(settings):
            shown.print(line, highlight=False, soft_wrap=True)
        job = build_definitions(folder, found.file).resolve_job_def(REFRESH_JOB)
        assets = len(set(job.asset_layer.executable_asset_keys))
        with RunDisplay(display_console(), assets) as display, progress.listening(display.fit):
            outcome = refresh(folder, settings, display.step, period=period, quick=quick, replace=replace)
    if not outcome.succeeded:
        fail(
            *outcome.problems,
            hint=f"see run {outcome.run_id[:8]} in `mmm ui --home {shlex.quote(str(home))}`",
        )
    _print_results(shown, folder, period, outcome.warnings)


def _print_results(shown: Console, home: Home, period: Period, warnings: tuple[str, ...]) -> None:
    from mmm_pipeline.cli.result_tables import budget_table, leaderboard_table, plausibility_warning

    results = home.results / period.key
    if home.latest_results.resolve() == results.resolve():
        results = home.latest_results
    summary = json.loads((results / "summary.json").read_text(encoding="utf-8"))
    for line in plausibility_warning(summary):
        shown.print(line, highlight=False, soft_wrap=True)
    shown.print(leaderboard_table(summary))
    shown.print(budget_table(summary))
    for warning in warnings:
        shown.print(f"[yellow]![/yellow] {escape(warning)}", highlight=False)
    if summary["quick"]:
        shown.print("[yellow]quick run: fewer draws; do not decide on these numbers[/yellow]")
    shown.print(f"partition {period.key}: {period}", highlight=False, soft_wrap=True)
    shown.print(f"report: {results / 'report.html'}", highlight=False, soft_wrap=True)


@app.command()
def check(
    file: FileArgument = None,
    source: SourceOption = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Read, validate and summarise the campaign rows, without fitting or writing anything."""
    with ReadableErrors():
        settings = in_force(Home(home.resolve()), config, file=file, source=source).settings
        from mmm_pipeline.ingestion.check import check_source
        from mmm_pipeline.orchestration.assets.fits.specs import said_before_the_fit

        report = check_source(settings, also=lambda inputs: said_before_the_fit(settings, inputs)).to_dict()
    if as_json:
        print_json(report)
        return
    from mmm_pipeline.cli.result_tables import check_summary

    console().print(check_summary(report))


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="Export to merge: CSV, XLSX, Parquet or Arrow.")],
    to: Annotated[
        Literal["duckdb", "bigquery"] | None,
        typer.Option("--to", help="Database of the campaign table. Default: that of source.", show_default=False),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            help="Default: source.table. BigQuery: dataset.table or project.dataset.table.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Merge an export into the campaign table by its key: new rows are added, rows sent again replace.

    It stores long tables: rows of a channel that hold media and KPI.
    Columns per channel, and a KPI with a source of its own, are read
    from where they are instead.
    """
    folder = Home(home.resolve())
    with ReadableErrors():
        settings = in_force(folder, config).settings
        if settings.not_landed is not None:
            raise SettingsError(settings.not_landed)
        from mmm_pipeline.cli.result_tables import landing_summary
        from mmm_pipeline.ingestion.landing.landing import land
        from mmm_pipeline.ingestion.landing.tables import campaign_table

        chosen = _landing_source(settings.source, to, table, folder)
        settings = settings.model_copy(update={"source": chosen})
        folder.prepare()
        done = land(file, campaign_table(settings, scratch=folder.root), settings, scratch=folder.root)
    console().print(landing_summary(done))


def _landing_source(source: SourceSettings, to: str | None, table: str | None, home: Home) -> SourceSettings:
    """The table to merge into: that of the settings, or what the command line says instead."""
    kind = to or source.kind
    same = kind == source.kind
    table = table or (source.table if same else None)
    if kind == "bigquery" and table:
        return SourceSettings(kind="bigquery", table=table)
    if kind == "duckdb":
        path = source.path if same else home.root / "campaigns.duckdb"
        return SourceSettings(kind="duckdb", path=path, table=table or "campaigns")
    given = "not given" if source.kind is None else repr(source.kind)
    raise SettingsError(
        f"nowhere to load to: source.kind is {given}. Give --to duckdb, or --to bigquery --table "
        "dataset.table, or set source in pipeline.yaml"
    )


app.command()(init)


app.command()(ui)


@app.command()
def scenario(
    budget: Annotated[str, typer.Option("--budget", help="120% of what the last horizon cost, or an amount.")] = "",
    lock: Annotated[list[str] | None, typer.Option("--lock", help="Channel that keeps its spend; repeatable.")] = None,
    bounds: Annotated[
        list[str] | None,
        typer.Option("--bounds", help="0.5:2, or CHANNEL=0.8:1.5; multiples of the current spend; repeatable."),
    ] = None,
    target_kpi: Annotated[
        str, typer.Option("--target-kpi", help="Instead of a budget: the cheapest plan for this media KPI.")
    ] = "",
    target_roi: Annotated[
        str, typer.Option("--target-roi", help="Instead of a budget: spend down to this marginal ROI.")
    ] = "",
    horizon: Annotated[
        str | None, typer.Option("--horizon", help="4w, 28d, 3m or a number of periods; default: settings.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the scenario. Default: the time.")] = "",
    output: Annotated[Path | None, typer.Option("--output", help="Write the files here instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Plan a what-if budget with the saved champion, without fitting; the live plan stays as it is."""
    folder = Home(home.resolve())
    with ReadableErrors():
        from mmm_pipeline.operations import scenario as scenarios
        from mmm_pipeline.operations.amounts import amount_if_given

        targets = (amount_if_given(target_kpi, "--target-kpi"), amount_if_given(target_roi, "--target-roi"))
        options = scenarios.ScenarioOptions(name, budget, tuple(lock or ()), tuple(bounds or ()), *targets, horizon)
        scenarios.check_options(options)
        settings = in_force(folder, config).settings
        newest = newest_refresh(folder, settings)
        scenarios.check_feasible(newest, settings, options)
        fit = scenarios.read_champion(newest, settings)
        planned = scenarios.plan_scenario(fit, settings, options)
        quick = champion_is_quick(artifact_store(settings, newest))
        if output is None:
            written = scenarios.publish_scenario(folder, settings, planned)
        else:
            written = output.resolve()
            scenarios.write_scenario(written, settings, planned)
    if as_json:
        print_json({**planned.to_dict(), "folder": str(written)})
        return
    from mmm_pipeline.cli.result_tables import scenario_table

    shown = console()
    for line in planned.implausible:
        shown.print(f"[red]![/red] {escape(line)}", highlight=False, soft_wrap=True)
    shown.print(scenario_table(planned, settings.report.currency, settings.report.credible_interval))
    if quick:
        shown.print("[yellow]the champion is that of a quick run: do not decide on these numbers[/yellow]")
    shown.print(f"picture and tables: {written}", highlight=False, soft_wrap=True)


app.command()(backtest)


@app.command("demo-data")
def demo_data(
    path: Annotated[Path, typer.Argument(help="File to write: .csv, .xlsx or .parquet.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed is another market.")] = 5,
) -> None:
    """Write the demo campaign table, and beside it the known truth as JSON."""
    with ReadableErrors():
        from mmm_pipeline.ingestion.sources.demo import write_demo_data

        rows, truth = write_demo_data(path, seed=seed)
    print_text(f"{rows}\n{truth}")


@app.command()
def advise(
    apply: Annotated[bool, typer.Option("--apply", help="Write the changes, after asking.")] = False,
    only: Annotated[
        list[int] | None, typer.Option("--only", help="Only the proposal of this number; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the proposals as JSON.")] = False,
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Show what the last run suggests to change in pipeline.yaml, as a diff; write it only on confirmation."""
    from mmm_pipeline.operations import advising

    shown = console()
    with ReadableErrors():
        folder = Home(home.resolve())
        found = in_force(folder, config)
        settings = found.settings
        proposals = advising.stored_proposals(folder, settings)
        if as_json:
            print_json(advising.as_json(proposals))
            return
        advice = advising.read_advice(proposals, found.file or Path("pipeline.yaml").resolve(), only or ())
    for number, proposal in enumerate(proposals, start=1):
        shown.print(f"[bold]{number}[/bold] {escape(advising.as_line(proposal))}", highlight=False, soft_wrap=True)
        shown.print(f"  {escape(proposal.reason('en'))}", highlight=False, soft_wrap=True)
    if not advice.diff:
        shown.print("nothing to change" if not proposals else f"{advice.path} already says all of it")
        return
    shown.print()
    print_text(advice.diff)
    if not apply:
        shown.print("nothing was written; `mmm advise --apply` asks before it writes", highlight=False)
        return
    if not typer.confirm(f"write these changes to {advice.path}?", default=False):
        shown.print("nothing was written")
        raise typer.Exit(1)
    with ReadableErrors():
        advice.write()
    shown.print(f"written: {advice.path}; they count from the next run on", highlight=False, soft_wrap=True)


@app.command("preview-prompt")
def preview_prompt(
    narrative: Annotated[Narrative, typer.Argument(help="Which narrative's question.")] = Narrative.chart_report,
    language: Annotated[
        str | None, typer.Option("--language", help="en or ko. Default: the first of the settings.")
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Print exactly what would be sent to Gemini about the last run, as JSON. Sends nothing and needs no key."""
    with ReadableErrors():
        from mmm_pipeline.operations import advising
        from mmm_pipeline.storage.workspace import Workspace

        folder = Home(home.resolve())
        found = in_force(folder, config)
        languages = found.settings.report.languages
        if language is not None and language not in languages:
            raise SettingsError(f"--language {language}: report.languages has {', '.join(languages)}")
        workspace = Workspace(root=str(folder.root), config=str(found.file) if found.file else None)
        wanted = next((known for known in languages if known == language), languages[0])
        request, left_out = advising.preview(workspace, narrative.value, wanted)
    print_json(advising.rendered(request))
    if left_out:
        print_text(f"not sent, because too large: {', '.join(left_out)}", stderr=True)


@app.command()
def doctor(config: ConfigOption = None, home: HomeOption = Path(".mmm")) -> None:
    """Say what is installed and configured, and explain what is missing."""
    from mmm_pipeline.cli.doctor import examine

    findings = examine(Home(home.resolve()), config)
    marks = {"ok": "[green]✓[/green]", "absent": "[yellow]–[/yellow]", "problem": "[red]✗[/red]"}
    table = Table(show_header=False, box=None)
    for finding in findings:
        table.add_row(marks[finding.state], finding.what, escape(finding.detail))
    console().print(table)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="mmm")
