"""The live display of a run, as a terminal shows it; and the plain lines where there is none."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from mmm_pipeline.cli.terminal import RunDisplay
from mmm_pipeline.orchestration.headless import RunStep
from mmm_pipeline.orchestration.runs.progress import FitProgress


def screen(output: str) -> list[str]:
    """What is on a terminal after this output: the lines, without those that are empty at the end."""
    lines, row = [""], 0
    for part in re.split(r"(\n|\r|\x1b\[[?0-9;]*[A-Za-z])", output):
        if part == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif part.startswith("\x1b"):
            if part.endswith("A"):
                row -= 1
            elif part.endswith("K"):
                lines[row] = ""
        elif part not in ("\r", ""):
            lines[row] += part
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.rstrip() for line in lines]


class Terminal:
    """A display with a clockless refresh: what is shown is what was last drawn."""

    def __init__(self, width: int) -> None:
        self.written = io.StringIO()
        console = Console(file=self.written, force_terminal=True, width=width, height=24, color_system=None)
        self.display = RunDisplay(console, assets=3)

    def lines(self) -> list[str]:
        self.display.refresh()
        return screen(self.written.getvalue())


@pytest.mark.parametrize("width", [80, 120])
def test_finished_chains_leave_one_region_in_which_every_line_fits(width: int) -> None:
    terminal = Terminal(width)
    with terminal.display as display:
        display.step(RunStep("start", "model_inputs"))
        display.step(RunStep("said", "92 train days " * 20))
        display.step(RunStep("materialized", "model_inputs"))
        display.step(RunStep("start", "fitted_model"))
        for chain in (0, 1):
            display.fit(FitProgress("adstock|1", chain, "warmup", 50, 100))
        shown = terminal.lines()
        assert shown[0] == "✓ model_inputs"
        assert [line.split()[1] for line in shown[1:]] == ["assets", "fitted_model:", "chain", "chain"]
        assert "fitting adstock|1" in shown[2]
        assert all(len(line) <= width for line in shown)

        display.fit(FitProgress("adstock|1", 0, "draws", 100, 100))
        assert [line.split()[2] for line in terminal.lines() if " chain " in line] == ["2,"]
        display.fit(FitProgress("adstock|1", 1, "draws", 100, 100))
        shown = terminal.lines()
        assert len(shown) == 3
        assert "fitted_model: checking the draws of adstock|1" in shown[2]
    assert terminal.lines() == ["✓ model_inputs"]


def test_a_step_says_what_it_is_doing() -> None:
    terminal = Terminal(100)
    with terminal.display as display:
        display.step(RunStep("start", "champion_model"))
        display.step(RunStep("said", "process 4711 is at this fit\nmore"))
        assert "champion_model: process 4711 is at this fit" in terminal.lines()[-1]


def test_without_a_terminal_there_are_plain_lines() -> None:
    written = io.StringIO()
    with RunDisplay(Console(file=written, width=80), assets=2) as display:
        display.step(RunStep("start", "fitted_model"))
        display.step(RunStep("said", "sampling 4 chains"))
        display.fit(FitProgress("adstock|1", 0, "warmup", 50, 100))
        display.fit(FitProgress("adstock|1", 0, "draws", 100, 100))
        display.step(RunStep("materialized", "fitted_model"))
        display.step(RunStep("failed", "charts"))
    assert written.getvalue() == "  fitting adstock|1\n✓ fitted_model\n✗ charts\n"
