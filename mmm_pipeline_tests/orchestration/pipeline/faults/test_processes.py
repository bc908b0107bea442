"""A refresh whose steps have processes of their own, under the real daemon: it lives, and outlives a `kill -9`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mmm_pipeline.storage.file_locks import holder_of
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.live_ui import LiveUi, live_ui, wait_until
from mmm_pipeline_tests.orchestration.pipeline.conftest import UP_TO_THE_CHAMPION, small_settings

_ASSETS = UP_TO_THE_CHAMPION[: UP_TO_THE_CHAMPION.index("fitted_model")]
_LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


def _launched(ui: LiveUi, week: str) -> str:
    tags = [{"key": "dagster/partition", "value": week}]
    selector = {
        **{"repositoryName": "__repository__", "repositoryLocationName": "mmm_pipeline", "jobName": "refresh"},
        **{"assetSelection": [{"path": [name]} for name in _ASSETS], "assetCheckSelection": []},
    }
    launched = ui.ask(
        _LAUNCH, {"params": {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}}
    )["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    return str(launched["run"]["runId"])


def test_a_refresh_in_many_processes_outlives_the_death_of_the_one_that_watches(
    tmp_path: Path, small_campaign: Path
) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    home.remember_settings(small_settings(small_campaign, runs={"executor": "multiprocess", "processes": 2}))
    often = home.dagster_file.read_text(encoding="utf-8").replace("interval_seconds: 30", "interval_seconds: 2")
    home.dagster_file.write_text(often, encoding="utf-8")
    with live_ui(home.root) as ui:
        first = _launched(ui, present(home).key)
        wait_until(lambda: any("Finished execution of step" in line for line in ui.messages(first)), ui)
        watcher = int(holder_of(home.run_locks / f"{first}.lock") or 0)
        steps = [process for process in ui.processes() if _parent(process) == watcher]
        os.kill(watcher, signal.SIGKILL)

        wait_until(lambda: {run["runId"]: run["status"] for run in ui.runs()}[first] == "FAILURE", ui)
        wait_until(lambda: not any(Path(f"/proc/{step}").exists() for step in steps), ui, seconds=60)
        wait_until(lambda: any(run["status"] == "SUCCESS" for run in ui.runs()), ui)
        statuses = [run["status"] for run in ui.runs()]

    # The run that was killed, and the one that took its place: neither was taken for dead while it worked.
    assert statuses == ["SUCCESS", "FAILURE"]
    assert DuckDBWarehouse(present(home).warehouse_file).row_count("media_matrix") > 0


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
