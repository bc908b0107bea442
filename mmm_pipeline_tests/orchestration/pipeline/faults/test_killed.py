"""`kill -9` in the middle of a backfill: of a run, as when memory is out, then of everything, as when power fails."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mmm_pipeline.storage.file_locks import holder_of
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.live_ui import LiveUi, live_ui, wait_until
from mmm_pipeline_tests.orchestration.pipeline.faults.conftest import home_with_inputs

_DRAWS = 20_000


def _sampling(home: Home, ui: LiveUi) -> int | None:
    """The process of a run that draws a fit."""
    for lock in (present(home).root / "locks").glob("fitted_model-*.lock"):
        holder = holder_of(lock)
        if holder is not None and any(run["status"] == "STARTED" for run in ui.runs()):
            return int(holder)
    return None


def _fits(home: Home) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (present(home).artifacts / "fitted_model").glob("*.nc")}


def test_a_backfill_outlives_a_killed_run_and_a_killed_machine(tmp_path: Path, small_campaign: Path) -> None:
    home = home_with_inputs(
        tmp_path / "home",
        small_campaign,
        {"poll_interval_seconds: 30": "poll_interval_seconds: 5"},
        model={"adstocks": ["carryover"], "degrees": [1, 2]},
        sampler={"chains": 2, "warmup": 150, "draws": _DRAWS, "max_escalations": 0, "max_tree_depth": 6},
    )
    with live_ui(home.root) as ui:
        backfill = ui.backfill(["fitted_model/carryover_1", "fitted_model/carryover_2"], [present(home).key])
        wait_until(lambda: _sampling(home, ui) is not None, ui)
        killed = _sampling(home, ui)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: any(run["status"] == "FAILURE" for run in ui.runs()), ui)

        wait_until(lambda: len(_fits(home)) == 1 and _sampling(home, ui) is not None, ui)
        finished = _fits(home)
        ui.kill()

    with live_ui(home.root) as ui:
        wait_until(lambda: ui.backfill_status(backfill) != "REQUESTED", ui)
        assert ui.backfill_status(backfill) == "COMPLETED_SUCCESS"
        runs = ui.runs()

    assert set(_fits(home)) == {"carryover-1.nc", "carryover-2.nc"}
    assert finished.items() <= _fits(home).items()
    assert sum(run["status"] == "SUCCESS" for run in runs) == 1
    assert sum(run["status"] == "FAILURE" for run in runs) == 2
    assert all(run["tags"].get("dagster/will_retry") == "true" for run in runs if run["status"] == "FAILURE")
