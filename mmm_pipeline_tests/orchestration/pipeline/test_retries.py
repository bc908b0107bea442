"""A fit that fails: tried again when that may help, left out when not, and named in what the run says."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.errors import CampaignDataError, MmmError, StorageUnavailable
from mmm_pipeline.orchestration.assets.fits.retries import may_pass
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.conftest import UP_TO_THE_CHAMPION, run_some, small_settings
from mmm_pipeline_tests.storage.small_disk import room_for


def _blocked(home: Home, key: str) -> Path:
    """A folder where the fit's file belongs, so that it cannot be stored."""
    blocked = present(home).artifacts / "fitted_model" / f"{key}.nc"
    blocked.mkdir(parents=True)
    return blocked


_STEP = "fitted_model__adstock_2"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def _settings(source: Path, **runs: float) -> Settings:
    return small_settings(source, model={"adstocks": ["adstock"], "degrees": [1, 2]}, runs=runs)


def _statuses(home: Home) -> dict[str, str]:
    board = DuckDBWarehouse(present(home).warehouse_file).read_table("leaderboard")
    return {f"{row.adstock}|{row.degrees}": row.status for row in board.itertuples()}


def _retries(run: dg.ExecuteInProcessResult) -> list[str]:
    return [str(event.step_key) for event in run.all_events if event.is_step_up_for_retry]


def test_a_fit_that_failed_in_passing_is_drawn_again(home: Home, small_campaign: Path) -> None:
    blocked = _blocked(home, "adstock-2")

    def mend() -> None:
        while not blocked.with_suffix(".failure.json").exists():
            time.sleep(0.01)
        blocked.rmdir()

    threading.Thread(target=mend, daemon=True).start()
    run = run_some(home, _settings(small_campaign, fit_retries=1, retry_wait_seconds=1))

    assert run.success
    assert _retries(run) == [_STEP]
    assert _statuses(home) == {"adstock|1": "converged", "adstock|2": "converged"}


def test_what_does_not_pass_is_given_up_and_the_other_specs_have_a_champion(home: Home, small_campaign: Path) -> None:
    _blocked(home, "adstock-2")

    run = run_some(home, _settings(small_campaign, fit_retries=2, retry_wait_seconds=0))

    assert run.success
    assert _retries(run) == [_STEP] * 2
    assert _statuses(home) == {"adstock|1": "converged", "adstock|2": "failed"}
    [warned] = [check for check in run.get_asset_check_evaluations() if check.check_name == "fits_converged"]
    assert not warned.passed
    assert "adstock|2" in warned.metadata


def test_on_a_full_disk_the_run_says_so_and_the_next_one_succeeds(home: Home, small_campaign: Path) -> None:
    settings = _settings(small_campaign, fit_retries=1, retry_wait_seconds=0)
    assert run_some(home, settings, UP_TO_THE_CHAMPION[: UP_TO_THE_CHAMPION.index("fitted_model")]).success

    with room_for(10_000):
        run = run_some(home, settings, ("fitted_model",))

    assert not run.success
    assert _retries(run) == ["fitted_model__adstock_1", _STEP]
    [failure] = [event for event in run.all_events if event.is_step_failure]
    assert "adstock-1.nc: File too large: free space there" in str(failure.step_failure_data.error)
    assert run_some(home, settings, ("fitted_model",)).success


def test_when_no_fit_can_be_stored_the_run_fails_and_names_them_all(home: Home, small_campaign: Path) -> None:
    for key in ("adstock-1", "adstock-2"):
        _blocked(home, key)

    run = run_some(home, _settings(small_campaign, fit_retries=0))

    assert not run.success
    [failure] = [event for event in run.all_events if event.is_step_failure and event.step_key == "fitted_model"]
    assert "adstock|1" in str(failure.step_failure_data.error)
    assert "adstock|2" in str(failure.step_failure_data.error)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (MemoryError(), True),
        (OSError(28, "No space left on device"), True),
        (RuntimeError("RESOURCE_EXHAUSTED: out of memory"), True),
        (StorageUnavailable("the database is held by process 7"), True),
        (CampaignDataError("no day has sales"), False),
        (MmmError("anything else that is meant for the user"), False),
        (TypeError("a fault of the program"), False),
        (ValueError("a value that will be the same next time"), False),
    ],
)
def test_only_failures_that_may_pass_are_tried_again(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes
