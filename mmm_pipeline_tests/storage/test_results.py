"""`latest` always points at complete results."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_pipeline.storage.results import KEPT_RUNS, publish


def fill_with(text: str):
    return lambda folder: (folder / "report.md").write_text(text)


def test_latest_is_the_newest_results(tmp_path: Path) -> None:
    publish(tmp_path, fill_with("first"))
    latest = publish(tmp_path, fill_with("second"))
    assert (latest / "report.md").read_text() == "second"


def test_a_run_that_fails_while_writing_leaves_the_last_good_results(tmp_path: Path) -> None:
    publish(tmp_path, fill_with("good"))

    def broken(folder: Path) -> None:
        (folder / "report.md").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish(tmp_path, broken)
    assert (tmp_path / "latest" / "report.md").read_text() == "good"
    assert not list(tmp_path.glob(".*unfinished"))


def test_old_results_are_removed_but_never_the_latest(tmp_path: Path) -> None:
    for number in range(KEPT_RUNS + 3):
        publish(tmp_path, fill_with(str(number)))
    assert len([path for path in tmp_path.iterdir() if not path.is_symlink()]) == KEPT_RUNS + 1
    assert (tmp_path / "latest" / "report.md").read_text() == str(KEPT_RUNS + 2)
