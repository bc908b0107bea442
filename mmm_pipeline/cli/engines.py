"""`mmm engines`: which there are, making their environments, asking them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from mmm_pipeline.cli.command_line import ConfigOption, HomeOption, ReadableErrors, fail, in_force
from mmm_pipeline.cli.output import console, display_console
from mmm_pipeline.errors import EngineError, StoredResultError
from mmm_pipeline.storage.home import Home

__all__ = ["engines_app"]

engines_app = typer.Typer(
    help="Other MMM libraries as second opinions, each in an environment of its own.",
    no_args_is_help=True,
    suggest_commands=False,  # click names the nearest command already
)

_STATES = {
    "ready": "[green]installed[/green]",
    "named": "[green]named by {variable}[/green]",
    "absent": "[dim]not installed[/dim]",
    "incomplete": "[yellow]not installed to the end[/yellow]",
    "outdated": "[yellow]installed from other requirements[/yellow]",
}
NameArgument = Annotated[str, typer.Argument(help="Name of the engine; `mmm engines list` has all.")]


@engines_app.command("list")
def list_engines(config: ConfigOption = None, home: HomeOption = Path(".mmm")) -> None:
    """Show the engines: what they are, what they take, whether they are installed."""
    from mmm_pipeline.engines.catalog import catalog
    from mmm_pipeline.engines.environments import environment_of

    with ReadableErrors():
        settings = in_force(Home(home.resolve()), config).settings
        engines = catalog(settings.engines.folder)
    table = Table("engine", "what it is", "version", "GB", "fit, min", "environment", box=None)
    for engine in engines.values():
        there = environment_of(engine)
        state = _STATES[there.state()].format(variable=there.variable)
        asked = " [bold]asked by every refresh[/bold]" if engine.name in settings.engines.run else ""
        table.add_row(
            escape(engine.name),
            escape(f"{engine.title}: {engine.about}"),
            escape(engine.version),
            f"{engine.size_gb:g}",
            f"{engine.run_minutes:g}",
            state + asked,
        )
    console().print(table)


@engines_app.command()
def install(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Make the environment of an engine; says size and time first, and asks."""
    from mmm_pipeline.engines.catalog import engine_named
    from mmm_pipeline.engines.environments import environment_of

    shown = console()
    with ReadableErrors():
        settings = in_force(Home(home.resolve()), config).settings
        engine = engine_named(name, settings.engines.folder)
        there = environment_of(engine)
        if there.state() == "named":
            raise EngineError(f"{there.variable} names {there.python}: unset it to have an environment made")
        if there.state() == "ready":
            shown.print(f"{engine.title} {engine.version} is installed in {there.folder}", soft_wrap=True)
            return
        shown.print(
            f"{engine.title} {engine.version} with Python {engine.python}: {engine.size_gb:g} GB on disk, about "
            f"{engine.install_minutes:g} minutes, into {there.folder}",
            highlight=False,
            soft_wrap=True,
        )
        if not yes and not typer.confirm("install it?", default=False):
            shown.print("nothing was installed")
            raise typer.Exit(1)
        with shown.status("pip is at work") as status:

            def show(line: str) -> None:
                status.update(escape(line[:100]))
                if not shown.is_terminal and line.startswith(("Collecting", "Installing", "Successfully")):
                    shown.print(f"  {escape(line[:110])}", highlight=False)

            there.install(show)
    shown.print(f"[green]✓[/green] {engine.title} is ready: mmm engines run {engine.name}", highlight=False)


@engines_app.command()
def run(
    name: NameArgument,
    spec: Annotated[
        str | None,
        typer.Option("--spec", help="adstock|degrees, for an engine with our specs. Default: engines.specs."),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
) -> None:
    """Ask an engine about the last run's data, and bring comparison and report up to date."""
    shown = console()
    folder = Home(home.resolve())
    with ReadableErrors():
        from mmm_pipeline.cli.result_tables import engine_table
        from mmm_pipeline.cli.terminal import RunDisplay
        from mmm_pipeline.engines.catalog import engine_named
        from mmm_pipeline.engines.environments import environment_of
        from mmm_pipeline.orchestration.headless import ask_engine
        from mmm_pipeline.orchestration.runs.partitions import spec_keys

        found = in_force(folder, config)
        settings, chosen = found.settings, found.file
        engine = engine_named(name, settings.engines.folder)
        keys = spec_keys(settings.model)
        if spec is not None and (not engine.grid or spec not in keys):
            accepted = f"accepted are {', '.join(keys)}" if engine.grid else f"{engine.title} has a model of its own"
            raise EngineError(f"--spec {spec}: {accepted}")
        environment_of(engine).interpreter()
        if not folder.latest_results.exists():
            raise StoredResultError(f"{folder.root} has no results yet: run `mmm run` first")
        shown.print(
            f"{engine.title} {engine.version}: about {engine.run_minutes:g} minutes a fit of 90 days and 20 channels; "
            f"what it prints: {folder.engine_files / engine.name}",
            highlight=False,
            soft_wrap=True,
        )
        with RunDisplay(display_console(), assets=5) as display:
            outcome = ask_engine(folder, chosen, name, spec, display.step)
        if not outcome.succeeded:
            fail(*outcome.problems, hint=f"see run {outcome.run_id[:8]} in `mmm ui --home {shlex.quote(str(home))}`")
        from mmm_pipeline.orchestration.resources.workspace import Workspace

        workspace = Workspace(root=str(folder.root), config=str(chosen) if chosen else None)
        scores = workspace.warehouse().read_table("engine_scores")
    shown.print(engine_table(scores))
    problems = scores[(scores["engine"] == name) & (scores["status"] != "ok")]
    if len(problems):
        fail(*(f"{row.title} {row.model}: {row.reason}" for row in problems.itertuples()))
    shown.print(f"report: {folder.latest_results / 'report.html'}", highlight=False, soft_wrap=True)
