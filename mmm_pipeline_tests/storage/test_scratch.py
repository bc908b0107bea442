"""Temporary folders go away with their process, however it ends; those at work stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mmm_pipeline.storage.atomic_files import remove_unfinished, write_bytes, write_text
from mmm_pipeline.storage.scratch import held, remove_abandoned, scratch_folder

_HOLD = """
import sys, time
from pathlib import Path
from mmm_pipeline.storage.scratch import scratch_folder
with scratch_folder("check", Path(sys.argv[1])) as folder:
    (folder / "rows").write_text("many")
    print(folder, flush=True)
    {wait}
"""
_SLEEPING = "time.sleep(60)"
# A library that makes an error of its own of a signal, as DuckDB does of one during a query.
_TRANSLATING = """
    try:
        time.sleep(60)
    except BaseException:
        raise RuntimeError("Query interrupted")
"""


def _age(path: Path) -> None:
    earlier = time.time() - 60
    os.utime(path, (earlier, earlier), follow_symlinks=False)


def _answer_signals() -> None:
    """Tests started in the background ignore some signals, and so would the process."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def _working(parent: Path, wait: str = _SLEEPING) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a scratch folder, which is killed at the end."""
    command = [sys.executable, "-c", _HOLD.format(wait=wait), str(parent)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=_answer_signals,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.fixture
def working(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a scratch folder made a while ago."""
    with _working(tmp_path) as (process, folder):
        _age(folder)
        yield process, folder


@pytest.mark.parametrize("wait", [_SLEEPING, _TRANSLATING], ids=["sleeping", "translating"])
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -signal.SIGINT)]
)
def test_a_signal_leaves_nothing(tmp_path: Path, number: signal.Signals, status: int, wait: str) -> None:
    with _working(tmp_path, wait) as (process, folder):
        assert folder.is_dir()
        process.send_signal(number)
        assert process.wait(30) == status
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wanted", [signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler])
def test_handlers_are_as_before_and_one_that_ignores_stays(tmp_path: Path, wanted: Any) -> None:
    before = signal.signal(signal.SIGTERM, wanted)
    try:
        with scratch_folder("outer", tmp_path), scratch_folder("inner", tmp_path):
            assert (signal.getsignal(signal.SIGTERM) == wanted) == (wanted == signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) == wanted
    finally:
        signal.signal(signal.SIGTERM, before)


def test_where_ctrl_c_and_termination_are_one_they_end_alike(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), scratch_folder("check", tmp_path):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []


def test_another_thread_has_a_folder_too(tmp_path: Path) -> None:
    made: list[Path] = []

    def work() -> None:
        with scratch_folder("check", tmp_path) as folder:
            made.append(folder)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [folder.parent for folder in made] == [tmp_path]
    assert list(tmp_path.iterdir()) == []


def test_only_folders_that_nobody_named_are_removed(tmp_path: Path) -> None:
    left, notes, other = tmp_path / "mmm-check-a1b2c3d4", tmp_path / "mmm-check-notes", tmp_path / "mine"
    for folder in (left, notes, other):
        folder.mkdir()
        _age(folder)
    linked = tmp_path / "mmm-check-abcdefgh"
    linked.symlink_to(other)
    with scratch_folder("check", tmp_path):
        pass
    assert set(tmp_path.iterdir()) == {notes, other, linked}


def test_the_folder_of_a_working_process_stays_and_that_of_a_killed_one_goes(tmp_path: Path, working) -> None:
    process, folder = working
    with scratch_folder("check", tmp_path):
        assert folder.is_dir()
    process.kill()
    process.wait()
    with scratch_folder("check", tmp_path) as own:
        assert own.is_dir()
        assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_is_just_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".x.unfinished").mkdir()
    assert remove_abandoned(tmp_path, ".*.unfinished") == []


def test_a_link_is_removed_and_not_what_it_points_at(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / ".latest.1").symlink_to(target)
    _age(tmp_path / ".latest.1")
    assert remove_abandoned(tmp_path, ".latest.*") == [tmp_path / ".latest.1"]
    assert target.is_dir()


def test_half_written_files_of_killed_processes_go(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts" / "champions"
    folder.mkdir(parents=True)
    left, at_work = folder / ".a.nc.x1.part", folder / ".a.nc.x2.part"
    for path in (left, at_work):
        path.write_bytes(b"half")
        _age(path)
    kept = write_text(folder / "a.nc", "whole")
    with held(at_work):
        remove_unfinished(tmp_path)
        assert sorted(path.name for path in folder.iterdir()) == [at_work.name, kept.name]


def test_a_file_is_written_while_leftovers_are_looked_for(tmp_path: Path) -> None:
    for number in range(20):
        write_bytes(tmp_path / "a", bytes([number]))
        remove_unfinished(tmp_path)
    assert (tmp_path / "a").read_bytes() == bytes([19])
