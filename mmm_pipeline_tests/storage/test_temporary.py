"""Temporary folders go away with their process, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mmm_pipeline.storage.temporary import temporary_folder

_HOLDING = """
import sys, time
from mmm_pipeline.storage.temporary import temporary_folder
with temporary_folder("check") as folder:
    (folder / "rows").write_text("x")
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


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holding(wait: str = _SLEEPING) -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a folder, and the folder."""
    code = _HOLDING.format(wait=wait)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("wait", [_SLEEPING, _TRANSLATING], ids=["sleeping", "translating"])
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -signal.SIGINT)]
)
def test_a_signal_leaves_nothing(place: Path, number: signal.Signals, status: int, wait: str) -> None:
    process, folder = holding(wait)
    assert folder.is_dir()

    process.send_signal(number)

    assert process.wait(30) == status
    assert list(place.iterdir()) == []


def test_the_next_one_removes_what_a_killed_process_left(place: Path) -> None:
    killed, left = holding()
    alive, kept = holding()
    killed.kill()
    killed.wait(30)
    assert (left / "rows").is_file()

    with temporary_folder("check") as own:
        assert {it for it in place.iterdir() if it.is_dir()} == {own, kept}
    alive.terminate()
    assert alive.wait(30) == 143


def test_folders_of_others_are_left_alone(place: Path) -> None:
    made_now, long_ago = place / "mmm-check-new", place / "mmm-check-old"
    other, linked = place / "mine", place / "mmm-check-link"
    for folder in (made_now, long_ago, other):
        folder.mkdir()
    os.utime(long_ago, (time.time() - 7_200,) * 2)
    linked.symlink_to(other)

    with temporary_folder("check"):
        pass

    assert set(place.iterdir()) == {made_now, other, linked}


def test_handlers_are_as_before(place: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with temporary_folder("check"):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
