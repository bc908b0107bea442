"""Other engines within the pipeline: asked after a finished run, compared, shown, and done without when they fail."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from mmm_pipeline.cli.main import app
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.engines.small_engine import make_engine
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.conftest import SmallRun


@dataclass
class Trial:
    """A copy of the finished run, with engines that are asked about it."""

    home: Home
    folder: Path

    def ask(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["engines", *arguments, "--home", str(self.home.root)])

    def table(self, name: str) -> pd.DataFrame:
        return DuckDBWarehouse(present(self.home).warehouse_file).read_table(name)

    @property
    def report(self) -> str:
        return (self.home.latest_results / "report.md").read_text(encoding="utf-8")


@pytest.fixture
def trial(small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    before = dict(os.environ)
    home, folder = Home(tmp_path / "home"), tmp_path / "engines"
    shutil.copytree(small_run.home.root, home.root, symlinks=True)
    engines = {"folder": folder, "draws": 40, "timeout_minutes": 2}
    # Copies of its own: those of the shared run are looked at by other tests.
    storage = small_run.settings.storage.model_copy(update={"results": str(tmp_path / "copies")})
    settings = small_run.settings.model_copy(
        update={
            "engines": small_run.settings.engines.model_copy(update=engines),
            "storage": storage,
            "report": small_run.settings.report.model_copy(update={"languages": ("en",)}),
        }
    )
    folder.mkdir()
    home.remember_settings(settings)
    monkeypatch.setenv("MMM_ENGINE_SMALL_PYTHON", sys.executable)
    monkeypatch.chdir(tmp_path)  # no pipeline.yaml there: what the home remembers counts
    monkeypatch.setenv("MMM_ENGINE_BROKEN_PYTHON", sys.executable)
    monkeypatch.delenv("MMM_CONFIG", raising=False)
    yield Trial(home, folder)
    os.environ.clear()
    os.environ.update(before)


def test_a_run_without_engines_has_empty_tables_and_says_nothing(small_run: SmallRun) -> None:
    warehouse = DuckDBWarehouse(present(small_run.home).warehouse_file)
    assert warehouse.read_table("engine_comparison").empty
    assert warehouse.read_table("engine_scores").empty
    assert "Engine" not in (small_run.home.latest_results / "report.md").read_text(encoding="utf-8")


def test_an_engine_is_asked_compared_and_reported_and_one_that_breaks_is_done_without(trial: Trial) -> None:
    make_engine(trial.folder)
    asked = trial.ask("run", "small")
    assert asked.exit_code == 0, asked.output
    scores = trial.table("engine_scores").set_index("engine")
    assert list(scores.index) == ["mmm_pipeline", "small"]
    assert set(trial.table("engine_comparison")["verdict"]) <= {"agree", "differ", "disagree"}
    assert "Other engines were fitted on the same days" in trial.report
    assert (trial.home.latest_results / "charts" / "engine_comparison.png").is_file()
    assert (trial.home.latest_results / "engine_comparison.csv").is_file()
    assert list((trial.home.engine_files / "small").glob("*/page.html"))

    make_engine(trial.folder, name="broken", fault="killed", grid=True)
    broken = trial.ask("run", "broken")
    assert broken.exit_code == 1
    assert "killed by SIGKILL" in broken.output
    scores = trial.table("engine_scores").set_index("engine")
    assert dict(scores["status"]) == {"mmm_pipeline": "ok", "small": "ok", "broken": "failed"}
    assert "The comparison goes on without Small (failed)." in trial.report


def test_an_engine_that_is_not_installed_is_one_line_and_no_traceback(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MMM_ENGINE_SMALL_PYTHON")
    monkeypatch.setenv("MMM_ENGINES_HOME", str(tmp_path / "nothing"))
    make_engine(trial.folder)
    asked = trial.ask("run", "small")
    assert asked.exit_code == 1
    assert "error: Small is not installed: run `mmm engines install small`" in asked.output
    assert "Traceback" not in asked.output


def test_the_list_names_every_engine_and_its_state(trial: Trial) -> None:
    make_engine(trial.folder)
    listed = trial.ask("list").output
    assert "lightweight_mmm" in listed
    assert "small" in listed


def test_an_install_asks_first(trial: Trial, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MMM_ENGINE_SMALL_PYTHON")
    monkeypatch.setenv("MMM_ENGINES_HOME", str(tmp_path / "environments"))
    make_engine(trial.folder)
    declined = CliRunner().invoke(app, ["engines", "install", "small", "--home", str(trial.home.root)], input="n\n")
    assert declined.exit_code == 1
    assert "0.01 GB on disk, about 0.1 minutes" in declined.output
    assert not (tmp_path / "environments").exists()
