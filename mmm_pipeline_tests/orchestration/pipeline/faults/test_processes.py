"""A refresh whose steps have processes of their own, under the real daemon: it lives, and outlives a `kill -9`."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from mmm_pipeline.storage.file_locks import holder_of
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.live_ui import LiveUi, live_ui, wait_until
from mmm_pipeline_tests.orchestration.pipeline.faults.conftest import home_with_inputs


def _scheduled(ui: LiveUi) -> list[dict[str, Any]]:
    return [run for run in ui.runs() if run["tags"].get("dagster/schedule_name") == "weekly_refresh"]


def test_a_refresh_in_many_processes_outlives_the_death_of_the_one_that_watches(
    tmp_path: Path, small_campaign: Path
) -> None:
    home = home_with_inputs(
        tmp_path / "home",
        small_campaign,
        {"poll_interval_seconds: 30": "poll_interval_seconds: 5"},
        model={"adstocks": ["carryover"], "degrees": [1, 2]},
        runs={"executor": "multiprocess", "processes": 2},
        schedule={"cron": "* * * * *"},
    )
    with live_ui(home.root) as ui:
        schedule = ui.start_schedule("weekly_refresh")
        wait_until(lambda: bool(_scheduled(ui)), ui)
        ui.stop_schedule(schedule)
        first = _scheduled(ui)[-1]["runId"]
        wait_until(lambda: any("STEP_SUCCESS" in line or "Finished" in line for line in ui.messages(first)), ui)
        watcher = int(holder_of(home.run_locks / f"{first}.lock") or 0)
        steps = [process for process in ui.processes() if _parent(process) == watcher]
        os.kill(watcher, signal.SIGKILL)

        wait_until(lambda: {run["runId"]: run["status"] for run in ui.runs()}[first] == "FAILURE", ui)
        wait_until(lambda: not any(Path(f"/proc/{step}").exists() for step in steps), ui, seconds=60)
        wait_until(lambda: any(run["status"] == "SUCCESS" for run in _scheduled(ui)), ui)
        statuses = [run["status"] for run in _scheduled(ui)]

    # The run that was killed, and the one that took its place: nothing was taken for dead while it worked.
    assert statuses == ["SUCCESS", "FAILURE"]
    assert (home.latest_results / "report.html").is_file()
    assert DuckDBWarehouse(present(home).warehouse_file).row_count("leaderboard") == 2


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
