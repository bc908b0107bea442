"""The live display of a run."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from mmm_pipeline.orchestration.headless import RunStep
from mmm_pipeline.orchestration.runs.progress import FitProgress

if TYPE_CHECKING:
    from mmm_pipeline.operations.backtest import BacktestStep

__all__ = ["RunDisplay"]

_WIDE = 100
"""Columns of a terminal from which on there is room for a long bar."""


class RunDisplay:
    """What a run is doing, in a few lines at the bottom of a terminal; plain lines where there is no terminal.

    The first line counts the assets, the second tells what the step at work last said and for how long it has been at
    work, and each chain that is being drawn has one more.
    """

    def __init__(self, console: Console, assets: int) -> None:
        self._console = console
        self._live = console.is_terminal and not console.is_dumb_terminal
        self._progress = Progress(
            SpinnerColumn("line" if console.options.ascii_only else "dots"),
            TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=32 if console.width >= _WIDE else 12),
            TextColumn("{task.fields[count]}", justify="right"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            expand=True,
            disable=not self._live,
        )
        self._total = assets
        self._assets = self._progress.add_task("starting", total=assets or None, count="")
        self._seen: set[str] = set()
        self._step: TaskID | None = None
        self._step_name = ""
        self._chains: dict[int, TaskID] = {}
        self._fit = ""
        self._lock = threading.Lock()

    def __enter__(self) -> RunDisplay:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def refresh(self) -> None:
        """Draw now, and not only ten times a second."""
        self._progress.refresh()

    def step(self, step: RunStep) -> None:
        """Show a step of the run."""
        with self._lock:
            if step.kind == "start":
                self._start(step.name)
            elif step.kind == "said":
                self._say(step.name)
            elif step.kind == "materialized":
                if step.name not in self._seen:
                    self._seen.add(step.name)
                    count = f"{len(self._seen)}/{self._total}"
                    self._progress.update(self._assets, advance=1, description="assets", count=count)
                    self._console.print(f"[green]✓[/green] {escape(step.name)}", highlight=False)
            elif step.kind == "warning":
                self._console.print(f"[yellow]![/yellow] {escape(step.name)}", highlight=False, soft_wrap=True)
            elif step.kind == "check_failed":
                self._console.print(f"[yellow]![/yellow] check {escape(step.name)}", highlight=False)
            elif step.kind == "retried":
                self._console.print(f"[yellow]![/yellow] {escape(step.name)} is tried again", highlight=False)
            elif step.kind == "failed":
                self._console.print(f"[red]✗[/red] {escape(step.name)}", highlight=False)

    def fit(self, progress: FitProgress) -> None:
        """Show how far a chain is; called from the chains' threads."""
        with self._lock:
            label = progress.fit if progress.attempt == 1 else f"{progress.fit} (try {progress.attempt})"
            if label != self._fit:
                self._clear_chains()
                self._fit = label
                self._say(f"fitting {label}")
                if not self._live:
                    self._console.print(f"  fitting {escape(label)}", highlight=False)
            if progress.phase == "draws" and progress.done >= progress.total:
                self._end_chain(progress.chain, label)
                return
            if progress.chain not in self._chains:
                self._chains[progress.chain] = self._progress.add_task("", total=progress.total, count="")
            phase = "warm-up" if progress.phase == "warmup" else progress.phase
            self._progress.update(
                self._chains[progress.chain],
                completed=progress.done,
                total=progress.total,
                description=f"    chain {progress.chain + 1}, {phase}",
                count=f"{progress.done}/{progress.total}",
            )

    def finished(self, step: BacktestStep) -> None:
        """Show where a series of earlier dates is."""
        with self._lock:
            self._clear_chains()
            done = step.number - 1
            count = f"{done}/{step.dates}"
            self._progress.update(self._assets, description="dates", total=step.dates, completed=done, count=count)
            self._console.print(escape(step.told), highlight=False, soft_wrap=True)

    def _start(self, name: str) -> None:
        self._clear_chains()
        if self._step is not None:
            self._progress.remove_task(self._step)
        self._step_name = name
        self._step = self._progress.add_task(f"  {escape(name)}", total=None, count="")
        self._progress.update(self._assets, description="assets", count=f"{len(self._seen)}/{self._total}")

    def _say(self, message: str) -> None:
        """The last thing that the step said, behind its name."""
        if self._step is None:
            if not self._live:
                return
            self._step = self._progress.add_task("", total=None, count="")
        told = (message.strip().splitlines() or [""])[0]
        name = f"{self._step_name}: " if self._step_name else ""
        self._progress.update(self._step, description=f"  {escape(name + told)}")

    def _end_chain(self, chain: int, label: str) -> None:
        if chain in self._chains:
            self._progress.remove_task(self._chains.pop(chain))
        if not self._chains:
            self._say(f"checking the draws of {label}")

    def _clear_chains(self) -> None:
        for task in self._chains.values():
            self._progress.remove_task(task)
        self._chains.clear()
        self._fit = ""
