"""Runs of one home: who lives, who waits, how many at once."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.test_utils import create_run_for_test

from mmm_pipeline.mmm.simulation.simulate import market_rows, simulate_market
from mmm_pipeline.orchestration.runs.coordination import FIT_POOL, has_died, know_pools, show_alive
from mmm_pipeline.run_launcher import WatchfulRunLauncher
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.conftest import UP_TO_THE_CHAMPION, run_some, small_settings
from mmm_pipeline_tests.storage.holding_process import holding_process

_ROWS = UP_TO_THE_CHAMPION.index("media_matrix")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of a home that was prepared as `mmm` does."""
    home = Home(tmp_path / "home")
    home.prepare()
    with dg.DagsterInstance.from_config(str(home.root)) as prepared:
        yield prepared


def test_the_home_s_launcher_sees_that_a_run_s_process_was_killed(instance: dg.DagsterInstance) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchfulRunLauncher)
    run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING

    process = holding_process(Home(Path(instance.root_directory)).run_locks / f"{run.run_id}.lock")
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    process.kill()
    process.wait()

    assert launcher.check_run_worker_health(run).status == WorkerStatus.FAILED


def test_a_run_shows_that_it_lives_and_forgets_those_that_are_over(instance: dg.DagsterInstance) -> None:
    over = create_run_for_test(instance, status=dg.DagsterRunStatus.SUCCESS)
    lives = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
    show_alive(instance, over.run_id)

    show_alive(instance, lives.run_id)

    assert not has_died(instance, lives.run_id)
    locks = Home(Path(instance.root_directory)).run_locks
    assert [path.stem for path in locks.iterdir()] == [lives.run_id]


def test_a_home_monitors_its_runs_and_retries_only_those_that_crashed(instance: dg.DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries > 0
    assert not instance.run_retries_retry_on_asset_or_op_failure


def test_the_pool_of_fits_has_its_limit_before_anything_is_queued(instance: dg.DagsterInstance) -> None:
    know_pools(instance)
    assert {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()} == {FIT_POOL: 1}


def test_a_run_waits_for_the_one_that_is_at_work_on_its_partition(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    source = tmp_path / "campaigns.csv"
    market_rows(simulate_market(channels=2, days=60, seed=1)).to_csv(source, index=False)
    home, run_id = Home(Path(instance.root_directory)), str(uuid.uuid4())
    other = holding_process(present(home).run_lock)
    seen: list[bool] = []

    def end_the_other_once_waited_for() -> None:
        told = f"process {other.pid} is at work on this partition"
        while not any(told in entry.user_message for entry in instance.all_logs(run_id)):
            time.sleep(0.05)
        seen.append(present(home).warehouse_file.exists())
        other.kill()

    threading.Thread(target=end_the_other_once_waited_for, daemon=True).start()
    run = run_some(home, small_settings(source), UP_TO_THE_CHAMPION[:_ROWS], instance=instance, run_id=run_id)

    assert run.success
    assert seen == [False]
    other.wait()
