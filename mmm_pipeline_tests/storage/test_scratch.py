"""Temporary folders of killed processes go, those at work stay."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

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
    time.sleep(60)
"""


def _age(path: Path) -> None:
    earlier = time.time() - 60
    os.utime(path, (earlier, earlier), follow_symlinks=False)


@pytest.fixture
def working(tmp_path: Path):
    """A process with a scratch folder."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    _age(folder)
    yield process, folder
    process.kill()
    process.wait()
    process.stdout.close()


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
