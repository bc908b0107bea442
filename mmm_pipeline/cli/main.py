"""The `mmm` command."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mmm_pipeline.cli.backtest import replay
from mmm_pipeline.cli.command_line import (
    ConfigOption,
    HomeOption,
    QuickOption,
    ReadableErrors,
    SourceOption,
    config_in_force,
    fail,
    settings_of,
)
from mmm_pipeline.cli.engines import engines_app
from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.storage.home import CONFIG_VARIABLE, HOME_VARIABLE, Home, find_config, load_effective_settings

__all__ = ["app"]

app = typer.Typer(
    name="mmm",
    help="Marketing mix modelling as a pipeline: from raw campaign rows to a budget you can defend.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(engines_app, name="engines")


class Narrative(StrEnum):
    """The narratives that Gemini can write."""

    eda_report = "eda_report"
    chart_report = "chart_report"
    budget_report = "budget_report"
    model_advice = "model_advice"


@app.command()
def run(
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
            help="As on the evening of this day, into HOME/as-of/DATE; the present results stay.",
        ),
    ] = None,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Run everything: ingest, fit the grid of models, attribute, plan the budget, write the report."""
    console = Console()
    folder = Home(home.resolve())
    with ReadableErrors():
        settings = settings_of(folder, config, source, demo=demo, quick=quick)
        if as_of is not None:
            settings = settings.on_the_evening_of(as_of.date())
        folder = folder.as_of(settings.split.as_of)
        from mmm_pipeline.cli.terminal import RunDisplay
        from mmm_pipeline.orchestration.definitions import build_definitions
        from mmm_pipeline.orchestration.headless import refresh
        from mmm_pipeline.orchestration.resources.gemini import narrator
        from mmm_pipeline.orchestration.runs import progress
        from mmm_pipeline.orchestration.runs.coordination import REFRESH_JOB

        if settings.quick:
            console.print("[yellow]quick run: fewer draws; look around, do not decide on it[/yellow]")
        for line in narrator(settings):
            console.print(line, highlight=False, soft_wrap=True)
        job = build_definitions(folder, None).resolve_job_def(REFRESH_JOB)
        assets = len(set(job.asset_layer.executable_asset_keys))
        with RunDisplay(console, assets) as display, progress.listening(display.fit):
            outcome = refresh(folder, settings, display.step)
    if not outcome.succeeded:
        fail(*outcome.problems, hint=f"see run {outcome.run_id[:8]} in `mmm ui --home {_shown_home(home, folder)}`")
    _print_results(console, folder, outcome.warnings)


def _shown_home(named: Path, folder: Home) -> Path:
    """The home as the user named it; that of an earlier day by its own path."""
    return named if folder.root == named.resolve() else folder.root


def _print_results(console: Console, home: Home, warnings: tuple[str, ...]) -> None:
    from mmm_pipeline.cli.terminal import budget_table, leaderboard_table

    summary = json.loads((home.latest_results / "summary.json").read_text(encoding="utf-8"))
    console.print(leaderboard_table(summary))
    console.print(budget_table(summary))
    for warning in warnings:
        console.print(f"[yellow]![/yellow] {escape(warning)}", highlight=False)
    if summary["quick"]:
        console.print("[yellow]quick run: fewer draws; do not decide on these numbers[/yellow]")
    console.print(f"report: {home.latest_results / 'report.html'}", highlight=False, soft_wrap=True)


@app.command()
def check(
    source: SourceOption = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read, validate and summarise a campaign file, without fitting anything."""
    with ReadableErrors():
        settings = settings_of(None, config, source)
        from mmm_pipeline.ingestion.check import check_source
        from mmm_pipeline.operations.budget_requests import require_possible_budget

        report = check_source(settings, also=lambda inputs: require_possible_budget(settings.budget, inputs)).to_dict()
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    from mmm_pipeline.cli.terminal import check_summary

    Console().print(check_summary(report))


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="Export to merge: CSV, XLSX or Parquet.")],
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
    """Merge an export into the campaign table by its key: new rows are added, rows sent again replace."""
    folder = Home(home.resolve())
    with ReadableErrors():
        settings = settings_of(None, config, None)
        from mmm_pipeline.cli.terminal import landing_summary
        from mmm_pipeline.ingestion.landing.landing import land
        from mmm_pipeline.ingestion.landing.tables import campaign_table

        chosen = _landing_source(settings.source, to, table, folder)
        settings = settings.model_copy(update={"source": chosen})
        folder.prepare()
        done = land(file, campaign_table(settings, scratch=folder.root), settings, scratch=folder.root)
    Console().print(landing_summary(done))


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
    raise SettingsError(
        f"nowhere to load to: source.kind is {source.kind!r}. Give --to duckdb, or --to bigquery --table "
        "dataset.table, or set source in pipeline.yaml"
    )


@app.command()
def ui(
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="To look only: nothing can be launched or changed, no schedule runs.")
    ] = False,
) -> None:
    """Open the Dagster UI (on 127.0.0.1 only; it has no login) with the same home."""
    folder = Home(home.resolve())
    with ReadableErrors():
        folder.prepare()
        chosen = config_in_force(folder, config)
        folder = folder.as_of(load_effective_settings(chosen).split.as_of)
        folder.prepare()
    if not read_only:
        _know_pools(folder)
    environment = {**os.environ, HOME_VARIABLE: str(folder.root), "DAGSTER_HOME": str(folder.root)}
    if chosen is not None:
        environment[CONFIG_VARIABLE] = str(chosen)
    typer.echo(f"settings: {chosen or 'built-in defaults'}\nopen http://127.0.0.1:{port} (Ctrl-C ends it)")
    # The webserver alone has no daemon beside it, which would run schedules and sensors.
    server = ["dagster_webserver", "--read-only"] if read_only else ["dagster", "dev"]
    command = [sys.executable, "-m", *server, "-w", str(folder.workspace_file), "-h", "127.0.0.1", "-p", str(port)]
    os.execve(sys.executable, command, environment)


def _know_pools(home: Home) -> None:
    import dagster as dg

    from mmm_pipeline.orchestration.runs.coordination import know_pools

    with dg.DagsterInstance.from_config(str(home.root)) as instance:
        know_pools(instance)


@app.command()
def scenario(
    budget: Annotated[str, typer.Option("--budget", help="120% of what the last horizon cost, or an amount.")] = "",
    lock: Annotated[list[str] | None, typer.Option("--lock", help="Channel that keeps its spend; repeatable.")] = None,
    bounds: Annotated[
        list[str] | None,
        typer.Option("--bounds", help="0.5:2, or CHANNEL=0.8:1.5; multiples of the current spend; repeatable."),
    ] = None,
    target_kpi: Annotated[
        float | None, typer.Option("--target-kpi", help="Instead of a budget: the cheapest plan for this media KPI.")
    ] = None,
    target_roi: Annotated[
        float | None, typer.Option("--target-roi", help="Instead of a budget: spend down to this marginal ROI.")
    ] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", min=1, max=366, help="Days; default: settings.")] = None,
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

        options = scenarios.ScenarioOptions(
            name, budget, tuple(lock or ()), tuple(bounds or ()), target_kpi, target_roi, horizon
        )
        scenarios.check_options(options)
        settings = load_effective_settings(config_in_force(folder, config))
        folder = folder.as_of(settings.split.as_of)
        scenarios.check_feasible(folder, settings, options)
        fit = scenarios.read_champion(folder, settings)
        planned = scenarios.plan_scenario(fit, settings, options)
        if output is None:
            written = scenarios.publish_scenario(folder, settings, planned)
        else:
            written = output.resolve()
            scenarios.write_scenario(written, settings, planned)
    if as_json:
        typer.echo(json.dumps({**planned.to_dict(), "folder": str(written)}, ensure_ascii=False, indent=2))
        return
    from mmm_pipeline.cli.terminal import scenario_table

    console = Console()
    console.print(scenario_table(planned, settings.report.currency, settings.report.credible_interval))
    console.print(f"picture and tables: {written}", highlight=False, soft_wrap=True)


app.command()(replay)


@app.command("demo-data")
def demo_data(
    path: Annotated[Path, typer.Argument(help="File to write: .csv, .xlsx or .parquet.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed is another market.")] = 5,
) -> None:
    """Write the demo campaign table, and beside it the known truth as JSON."""
    with ReadableErrors():
        from mmm_pipeline.ingestion.sources.demo import write_demo_data

        rows, truth = write_demo_data(path, seed=seed)
    typer.echo(f"{rows}\n{truth}")


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

    console = Console()
    with ReadableErrors():
        folder = Home(home.resolve())
        settings = load_effective_settings(config_in_force(folder, config))
        proposals = advising.stored_proposals(folder, settings)
        if as_json:
            typer.echo(advising.as_json(proposals))
            return
        target = config or Path(os.environ.get(CONFIG_VARIABLE) or "pipeline.yaml")
        advice = advising.read_advice(proposals, target.resolve(), only or ())
    for number, proposal in enumerate(proposals, start=1):
        console.print(f"[bold]{number}[/bold] {escape(advising.as_line(proposal))}", highlight=False, soft_wrap=True)
        console.print(f"  {escape(proposal.reason('en'))}", highlight=False, soft_wrap=True)
    if not advice.diff:
        console.print("nothing to change" if not proposals else f"{advice.path} already says all of it")
        return
    console.print()
    typer.echo(advice.diff)
    if not apply:
        console.print("nothing was written; `mmm advise --apply` asks before it writes", highlight=False)
        return
    if not typer.confirm(f"write these changes to {advice.path}?", default=False):
        console.print("nothing was written")
        raise typer.Exit(1)
    with ReadableErrors():
        advice.write()
    console.print(f"written: {advice.path}; they count from the next run on", highlight=False, soft_wrap=True)


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
        from mmm_pipeline.orchestration.resources.workspace import Workspace

        folder = Home(home.resolve())
        chosen = config.resolve() if config else find_config(folder)
        languages = load_effective_settings(chosen).report.languages
        if language is not None and language not in languages:
            raise SettingsError(f"--language {language}: report.languages has {', '.join(languages)}")
        workspace = Workspace(home=str(folder.root), config=str(chosen) if chosen else None)
        wanted = next((known for known in languages if known == language), languages[0])
        request, left_out = advising.preview(workspace, narrative.value, wanted)
    typer.echo(json.dumps(advising.rendered(request), ensure_ascii=False, indent=2))
    if left_out:
        typer.echo(f"not sent, because too large: {', '.join(left_out)}", err=True)


@app.command()
def doctor(home: HomeOption = Path(".mmm")) -> None:
    """Say what is installed and configured, and what each absence means."""
    from mmm_pipeline.cli.doctor import examine

    findings = examine(Home(home.resolve()))
    marks = {"ok": "[green]✓[/green]", "absent": "[yellow]–[/yellow]", "problem": "[red]✗[/red]"}
    table = Table(show_header=False, box=None)
    for finding in findings:
        table.add_row(marks[finding.state], finding.what, escape(finding.detail))
    Console().print(table)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
