"""Locks between processes, whose holders may be killed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from mmm_pipeline.errors import StoredResultError
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


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_link_to_another_file_is_refused_and_the_file_stays(tmp_path: Path, link) -> None:
    victim, path = tmp_path / "victim", tmp_path / "fit.lock"
    victim.write_text("precious")
    link(victim, path)
    for use in (take_lock, holder_of):
        with pytest.raises(StoredResultError, match=r"fit\.lock: is a .*remove it and run again"):
            use(path)
    assert victim.read_text() == "precious"


def test_a_link_to_nowhere_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "fit.lock").symlink_to(tmp_path / "made")
    with pytest.raises(StoredResultError, match="a link"):
        take_lock(tmp_path / "fit.lock")
    assert not (tmp_path / "made").exists()
