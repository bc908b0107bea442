"""Many processes on one home: servers, nine fits at once beside readers and writers, the schedule's refresh."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmm_pipeline.orchestration.runs.partitions import spec_assets
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.live_ui import LiveUi, live_ui, wait_until
from mmm_pipeline_tests.orchestration.pipeline.faults.conftest import home_with_inputs

_LIMIT = 3

_READ_AND_WRITE = """
import sys, pandas as pd
from pathlib import Path
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
warehouse, stop, turns = DuckDBWarehouse(Path(sys.argv[1])), Path(sys.argv[2]), 0
while not stop.exists():
    warehouse.write_table("written_by_" + sys.argv[3], pd.DataFrame({"turn": [turns] * 1000}))
    assert warehouse.row_count("media_matrix") > 0
    turns += 1
print(turns)
"""


@pytest.fixture(scope="module")
def home(small_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return home_with_inputs(
        tmp_path_factory.mktemp("at-once") / "home",
        small_campaign,
        {"default_limit: 1": f"default_limit: {_LIMIT}"},
        schedule={"cron": "* * * * *"},
    )


@pytest.fixture(scope="module")
def ui(home: Home) -> Iterator[LiveUi]:
    with live_ui(home.root) as running:
        yield running


def _maps_jax(process: int) -> bool:
    return "jaxlib" in Path(f"/proc/{process}/maps").read_text()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at processes through /proc")
def test_nobody_but_runs_starts_jax(ui: LiveUi) -> None:
    assert ui.ask("{ assetNodes { id } }")["assetNodes"]
    processes = ui.processes()
    assert len(processes) >= 4  # mmm, webserver, daemon, code server
    assert [process for process in processes if _maps_jax(process)] == []


def test_nine_fits_at_once_beside_readers_and_writers(home: Home, ui: LiveUi, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", _READ_AND_WRITE, str(present(home).warehouse_file), str(stop), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    at_work: list[int] = []

    def is_over() -> bool:
        at_work.append(sum(run["status"] in ("STARTING", "STARTED") for run in ui.runs()))
        return all(ui.backfill_status(backfill) != "REQUESTED" for backfill in backfills)

    specs = [asset.to_user_string() for asset in spec_assets(Settings().model)]
    backfills = [ui.backfill([spec], [present(home).key]) for spec in specs]
    try:
        wait_until(is_over, ui, seconds=1800)
    finally:
        stop.touch()

    assert {ui.backfill_status(backfill) for backfill in backfills} == {"COMPLETED_SUCCESS"}
    assert 1 < max(at_work) <= _LIMIT
    assert len(list((present(home).artifacts / "fitted_model").glob("*.nc"))) == 9
    turns = [int(other.communicate(timeout=90)[0]) for other in others]
    assert [other.returncode for other in others] == [0, 0]
    assert min(turns) > 5
    cores = max(1, len(os.sched_getaffinity(0)) // _LIMIT)
    drawn = [line for run in ui.runs() for line in ui.messages(run["runId"]) if "sampling 2 chains" in line]
    assert len(drawn) == 9
    assert all(f"{cores} at once" in line for line in drawn)


def test_several_weeks_from_the_backfill_dialog_are_a_run_each(home: Home, ui: LiveUi) -> None:
    weeks = [RefreshCalendar().before(RefreshCalendar().present()).key, present(home).key]
    backfill = ui.backfill(["media_rows", "kpi_rows", "rejected_rows", "campaign_totals"], weeks)
    wait_until(lambda: ui.backfill_status(backfill) != "REQUESTED", ui)

    assert ui.backfill_status(backfill) == "COMPLETED_SUCCESS"
    runs = [run for run in ui.runs() if run["tags"].get("dagster/backfill") == backfill]
    assert sorted(run["tags"]["dagster/partition"] for run in runs) == weeks


def test_the_schedule_refreshes_everything_and_says_that_no_fit_was_needed(home: Home, ui: LiveUi) -> None:
    schedule = ui.start_schedule("weekly_refresh")

    def scheduled() -> list[dict]:
        return [run for run in ui.runs() if run["tags"].get("dagster/schedule_name") == "weekly_refresh"]

    wait_until(lambda: bool(scheduled()), ui)
    ui.stop_schedule(schedule)
    wait_until(lambda: scheduled()[-1]["status"] in ("SUCCESS", "FAILURE"), ui, seconds=600)

    run = scheduled()[-1]
    assert run["status"] == "SUCCESS"
    assert any("all 9 were reused, none was drawn" in line for line in ui.messages(run["runId"]))
    assert (home.latest_results / "report.html").is_file()
    assert DuckDBWarehouse(present(home).warehouse_file).row_count("leaderboard") == 9
