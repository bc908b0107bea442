"""Locks between processes, whose holders may be killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.test_utils import create_run_for_test

from mmm_pipeline.file_locks import holder_of, take_lock, waiting_lock
from mmm_pipeline.home import Home
from mmm_pipeline.run_launcher import WatchfulRunLauncher

_HOLD = """
import sys, time
from pathlib import Path
from mmm_pipeline.file_locks import take_lock
handle = take_lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of a home that was prepared as `mmm` does."""
    home = Home(tmp_path / "home")
    home.prepare()
    with dg.DagsterInstance.from_config(str(home.root)) as prepared:
        yield prepared


def test_a_lock_is_held_by_one_and_names_its_process(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "fit.lock"
    process = _holder(path)
    try:
        assert take_lock(path) is None
        assert holder_of(path) == str(process.pid)
    finally:
        process.kill()
        process.wait()
    handle = take_lock(path)
    assert handle is not None
    handle.close()
    assert holder_of(path) is None


def test_waiting_tells_for_whom_and_ends_when_the_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "fit.lock"
    process = _holder(path)
    told: list[str] = []
    threading.Timer(0.2, process.kill).start()

    with waiting_lock(path, told.append) as waited:
        assert waited
        assert take_lock(path) is None

    process.wait()
    assert told == [str(process.pid)]


def test_a_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    told: list[str] = []
    with waiting_lock(tmp_path / "fit.lock", told.append) as waited:
        assert not waited
    assert told == []


def test_the_home_s_launcher_sees_that_a_run_s_process_was_killed(instance: dg.DagsterInstance) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchfulRunLauncher)
    run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING

    process = _holder(Home(Path(instance.root_directory)).run_locks / f"{run.run_id}.lock")
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    process.kill()
    process.wait()

    assert launcher.check_run_worker_health(run).status == WorkerStatus.FAILED


def test_a_home_monitors_its_runs_and_retries_only_those_that_crashed(instance: dg.DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries > 0
    assert not instance.run_retries_retry_on_asset_or_op_failure
