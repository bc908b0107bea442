"""Homes that cannot be used: one message each, which names the file and what to do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.errors import MmmError, SettingsError, StoredResultError
from mmm_pipeline.orchestration.dagster_storage import copy_to_look_at, readable_storage_errors
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.other_user import needs_root, other_user


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with Dagster's databases in it."""
    home = Home(tmp_path / "home")
    home.prepare()
    with dg.DagsterInstance.from_config(str(home.root)):
        return home


def opened(home: Home) -> None:
    home.prepare()
    with readable_storage_errors(home), dg.DagsterInstance.from_config(str(home.root)) as instance:
        instance.get_runs()


def _random_database(home: Home) -> None:
    (home.root / "history" / "runs.db").write_bytes(os.urandom(20_000))


def _random_settings(home: Home) -> None:
    home.dagster_file.write_bytes(b"\xff\xfe" + os.urandom(500))


def _unknown_settings(home: Home) -> None:
    home.dagster_file.write_text("concurrencyy: {pools: 3}\n")


def _no_settings(home: Home) -> None:
    home.dagster_file.write_text("")


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (_random_database, r"history/runs\.db: is damaged: it is no SQLite database\. Move it away and run again"),
        (_random_settings, r"dagster\.yaml: is damaged \(.*\): correct it, or move it away"),
        (_no_settings, r"dagster\.yaml: is damaged \(no section in it\)"),
        (_unknown_settings, r'dagster\.yaml: Dagster does not take it: .*"concurrencyy" at the root\. Correct it'),
    ],
)
def test_a_damaged_file_is_named(home: Home, broken: Callable[[Home], None], told: str) -> None:
    broken(home)
    with pytest.raises(MmmError, match=told) as error:
        opened(home)
    assert len(str(error.value).splitlines()) == 1


@needs_root
def test_a_missing_right_is_no_damage(home: Home, tmp_path: Path) -> None:
    for folder in (tmp_path, home.root, home.root / "history"):
        folder.chmod(0o755)
    with other_user(tmp_path), pytest.raises(StoredResultError, match=r"Permission denied: let this user") as error:
        opened(home)
    assert "delete" not in str(error.value)
    assert "damaged" not in str(error.value).replace("nothing is damaged", "")


@needs_root
def test_the_runs_of_a_home_that_cannot_be_written_are_copied_to_be_looked_at(home: Home, tmp_path: Path) -> None:
    with dg.DagsterInstance.from_config(str(home.root)) as instance:
        run = instance.create_run_for_job(dg.GraphDefinition(name="refresh").to_job())
    for folder in (tmp_path, home.root, home.root / "history", home.root / "schedules"):
        folder.chmod(0o755)
    with other_user(tmp_path):
        copy = Path(tempfile.mkdtemp(prefix="mmm-test-")) / "home"
        copy_to_look_at(home, copy)
        with dg.DagsterInstance.from_config(str(copy)) as instance:
            assert [seen.run_id for seen in instance.get_runs()] == [run.run_id]


@pytest.mark.parametrize("name", ["home-q?b", "home-%41", "line\nbreak", "bidi\u202e"])
def test_a_path_that_sqlite_would_misread_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="choose another with --home"):
        Home(tmp_path / name).prepare()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["with space", "50% off", "a#b", "quote'\"$`", "홈", "a&b;c"])
def test_any_other_path_keeps_its_runs_where_it_says(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / name)
    opened(home)
    assert (home.root / "history" / "runs.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
