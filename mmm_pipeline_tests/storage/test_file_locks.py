"""Locks between processes, whose holders may be killed."""

from __future__ import annotations

import threading
from pathlib import Path

from mmm_pipeline.storage.file_locks import held_here, holder_of, take_lock, waiting_lock
from mmm_pipeline_tests.storage.holding_process import holding_process


def test_a_lock_is_held_by_one_and_names_its_process(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "fit.lock"
    process = holding_process(path)
    try:
        assert take_lock(path) is None
        assert holder_of(path) == str(process.pid)
    finally:
        process.kill()
        process.wait()
    handle = take_lock(path)
    assert handle is not None
    assert held_here(path)
    handle.close()
    assert not held_here(path)
    assert holder_of(path) is None


def test_waiting_tells_for_whom_and_ends_when_the_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "fit.lock"
    process = holding_process(path)
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
