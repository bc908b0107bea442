"""`latest` always points at complete results."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mmm_pipeline.errors import StorageUnavailable, StoredResultError
from mmm_pipeline.storage import results


def publish(folder: Path, fill: Callable[[Path], object], partition: str = "2026-11-23") -> Path:
    """Into the newest partition unless said otherwise; returns `latest`."""
    results.publish(folder, partition, fill, today="2026-11-29")
    return folder / "latest"


def fill_with(text: str):
    return lambda folder: (folder / "report.md").write_text(text)


def test_latest_is_the_newest_results(tmp_path: Path) -> None:
    publish(tmp_path, fill_with("first"))
    latest = publish(tmp_path, fill_with("second"))
    assert (latest / "report.md").read_text() == "second"


def test_a_run_that_fails_while_writing_leaves_the_last_good_results(tmp_path: Path) -> None:
    publish(tmp_path, fill_with("good"))

    def broken(folder: Path) -> None:
        (folder / "attribution.csv").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageUnavailable, match=r"attribution\.csv: No space left on device: free space there"):
        publish(tmp_path, broken)
    assert (tmp_path / "latest" / "report.md").read_text() == "good"
    assert not list(tmp_path.glob(".*unfinished"))


def test_results_of_every_partition_stay_and_latest_is_the_newest_of_them(tmp_path: Path) -> None:
    for week in ("2026-11-16", "2026-11-23", "2026-11-09", "2026-11-16"):
        publish(tmp_path, fill_with(f"results of {week}"), week)
    assert (tmp_path / "latest" / "report.md").read_text() == "results of 2026-11-23"
    assert results.published(tmp_path) == ["2026-11-09", "2026-11-16", "2026-11-23"]
    assert len([path for path in tmp_path.iterdir() if not path.is_symlink()]) == 3, "what was replaced is removed"


def test_a_partition_of_the_future_made_by_a_wrong_clock_does_not_stay_the_latest(tmp_path: Path) -> None:
    publish(tmp_path, fill_with("of a wrong clock"), "2099-01-05")
    assert (publish(tmp_path, fill_with("right")) / "report.md").read_text() == "right"


def test_results_of_a_partition_that_is_removed_are_gone(tmp_path: Path) -> None:
    for week in ("2026-11-16", "2026-11-23"):
        publish(tmp_path, fill_with(week), week)
    results.remove_results(tmp_path, "2026-11-16")
    assert results.published(tmp_path) == ["2026-11-23"]
    assert len([path for path in tmp_path.iterdir() if not path.is_symlink()]) == 1


def test_a_folder_in_place_of_the_link_is_kept_beside(tmp_path: Path) -> None:
    """As in a home that was copied without its links, or restored from an archive."""
    copied = tmp_path / "latest"
    copied.mkdir()
    (copied / "report.md").write_text("restored")

    latest = publish(tmp_path, fill_with("new"))

    assert latest.is_symlink()
    assert (latest / "report.md").read_text() == "new"
    [kept] = tmp_path.glob("latest-copied-*")
    assert (kept / "report.md").read_text() == "restored"
    assert (publish(tmp_path, fill_with("newer")) / "report.md").read_text() == "newer"
    assert list(tmp_path.glob("latest-copied-*")) == [kept]


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    earlier = time.time() - 60
    unfinished = tmp_path / ".20261129T143547378583Z.unfinished"
    unfinished.mkdir()
    (tmp_path / ".latest.4711").symlink_to("nowhere")
    for path in (unfinished, tmp_path / ".latest.4711"):
        os.utime(path, (earlier, earlier), follow_symlinks=False)

    publish(tmp_path, fill_with("new"))

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_denied_folder_is_told_as_such_and_not_as_damage(tmp_path: Path) -> None:
    def denied(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder / "summary.json"))

    with pytest.raises(StoredResultError, match=r"summary\.json: Permission denied: let this user") as told:
        publish(tmp_path, denied)
    assert not told.value.passing
    assert "delete" not in str(told.value)
