"""A reader of a file sees the old content or the new one, never half of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mmm_pipeline.storage.atomic_files import write_bytes, write_text, write_with
from mmm_pipeline_tests.storage.small_disk import room_for


def test_folders_are_made_and_content_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one")
    assert write_text(path, "둘\n").read_bytes() == "둘\n".encode()
    assert [file.name for file in path.parent.iterdir()] == ["b.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_bytes(tmp_path / "x.bin", b"old")

    def full_disk(_handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.bin"]


def test_others_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert write_bytes(tmp_path / "x", b"").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_write_that_fails_half_way_leaves_the_earlier_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("good")

    def half(path: Path) -> None:
        path.write_text("ba")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        write_with(target, half)
    assert target.read_text() == "good"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    with room_for(10), pytest.raises(OSError, match="File too large") as told:
        write_bytes(tmp_path / "x.bin", b"more than ten bytes")
    assert told.value.filename == str(tmp_path / "x.bin")
