"""Homes of earlier programs, of newer ones, and those that were copied about."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
import yaml

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.home_format import FORMAT, missing_sections
from mmm_pipeline_tests.other_user import needs_root, other_user

_FIRST = """\
# Written by mmm_pipeline on first use; yours to edit.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    granularity: run
    default_limit: 3  # mine
run_retries:
  enabled: true
  max_retries: 0
"""
"""`dagster.yaml` of the first programs, with an edit of its user's."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def _of_the_first_program(home: Home, text: str) -> None:
    home.root.mkdir()
    home.dagster_file.write_text(text, encoding="utf-8")


def test_a_new_home_says_which_format_it_has(home: Home) -> None:
    home.prepare()
    assert yaml.safe_load((home.root / "home.yaml").read_text(encoding="utf-8")) == {"format": FORMAT}
    assert missing_sections(home.dagster_file) == []


def test_what_an_earlier_home_lacks_is_added_and_said(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    _of_the_first_program(home, _FIRST)
    with caplog.at_level(logging.WARNING):
        home.prepare()
    migrated = yaml.safe_load(home.dagster_file.read_text(encoding="utf-8"))
    fresh = Home(home.root.with_name("fresh"))
    fresh.prepare()
    assert migrated["concurrency"]["pools"]["default_limit"] == 3
    migrated["concurrency"]["pools"]["default_limit"] = 1
    assert migrated == yaml.safe_load(fresh.dagster_file.read_text(encoding="utf-8"))
    assert "# mine" in home.dagster_file.read_text(encoding="utf-8")
    [said] = caplog.messages
    assert "added run_launcher, run_monitoring, run_retries" in said


def test_what_its_user_decided_otherwise_stays(home: Home) -> None:
    own = {"run_queue": {"max_concurrent_runs": 4}, "run_retries": {"enabled": False}}
    _of_the_first_program(home, yaml.safe_dump(own))
    home.prepare()
    migrated = yaml.safe_load(home.dagster_file.read_text(encoding="utf-8"))
    assert {name: migrated[name] for name in own} == own
    assert "concurrency" not in migrated


def test_what_is_taken_out_of_a_home_of_today_is_not_added_again(home: Home) -> None:
    home.prepare()
    home.dagster_file.write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    home.prepare()
    assert home.dagster_file.read_text(encoding="utf-8") == "telemetry: {enabled: false}\n"
    assert "run_monitoring" in missing_sections(home.dagster_file)


@pytest.mark.parametrize(
    ("text", "told"),
    [(f"format: {FORMAT + 1}\n", "newer mmm_pipeline"), ("format: two\n", "is no number"), ("", "is damaged")],
)
def test_a_home_that_cannot_be_understood_is_refused_before_anything_is_written(
    home: Home, text: str, told: str
) -> None:
    home.root.mkdir()
    (home.root / "home.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=told):
        home.prepare()
    assert [path.name for path in home.root.iterdir()] == ["home.yaml"]


def test_a_copied_home_needs_nothing_of_the_old_place(home: Home) -> None:
    home.prepare()
    copy = Home(home.root.with_name("copy"))
    shutil.copytree(home.root, copy.root)
    shutil.rmtree(home.root)
    before = {path: path.stat().st_mtime_ns for path in copy.root.iterdir()}
    copy.prepare()
    assert {path: path.stat().st_mtime_ns for path in copy.root.iterdir()} == before


@needs_root
def test_a_home_to_look_at_stays_as_it_is(home: Home, tmp_path: Path) -> None:
    _of_the_first_program(home, _FIRST)
    for folder in (tmp_path, home.root):
        folder.chmod(0o755)
    with other_user(tmp_path):
        home.prepare()
    assert [path.name for path in home.root.iterdir()] == ["dagster.yaml"]
