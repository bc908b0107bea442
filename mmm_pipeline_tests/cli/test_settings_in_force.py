"""Every command goes by the same settings and says which; a home's rows are replaced only by somebody who says so."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.cli.test_main import COMMAND, mmm, mmm_process

_ROWS = "Date,Ad group alias,Impressions,Spend,Sales\n2025-01-01,tv,10,1,5\n"


def _settings_on(path: Path, **sections: object) -> Settings:
    return parse_settings({"source": {"kind": "file", "path": str(path)}, **sections})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that was run on `old.csv`, with settings of its own."""
    home = Home(tmp_path / "home")
    home.prepare()
    home.remember_settings(_settings_on(tmp_path / "old.csv", report={"currency": "KRW"}))
    return home


def test_version_and_short_help(tmp_path: Path) -> None:
    assert mmm("--version", folder=tmp_path).stdout == "mmm 0.1.0\n"
    shown = mmm("run", "-h", folder=tmp_path).stdout
    assert "[FILE]" in shown
    assert "Campaign file: CSV, XLSX, Parquet or Arrow" in shown


@pytest.mark.parametrize(("typed", "meant"), [(["chek"], "check"), (["engines", "installl"], "install")])
def test_a_mistyped_command_is_told_with_the_nearest(tmp_path: Path, typed: list[str], meant: str) -> None:
    done = mmm(*typed, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count(f"Did you mean '{meant}'?") == 1


def test_the_shell_can_complete_commands(tmp_path: Path) -> None:
    asked = {"_MMM_COMPLETE": "complete_bash", "COMP_WORDS": "mmm prev", "COMP_CWORD": "1"}
    assert mmm_process(folder=tmp_path, **asked).stdout.split() == ["preview-prompt"]


def test_the_file_can_be_named_without_an_option_and_only_once(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(_ROWS)
    named, both = mmm("check", "rows.csv", folder=tmp_path), mmm("check", "rows.csv", "--source", "x", folder=tmp_path)
    assert f"source: {tmp_path / 'rows.csv'} (command line)" in named.stderr
    assert "FILE and --source exclude each other: give one" in both.stderr
    assert both.returncode == 1


@pytest.mark.parametrize("command", ["run", "check", "backtest"])
def test_without_a_source_anywhere_nothing_runs_and_both_ways_out_are_shown(tmp_path: Path, command: str) -> None:
    done = mmm(command, folder=tmp_path)
    assert done.returncode == 1
    assert "source: none" in done.stderr
    assert "`mmm run FILE`" in done.stderr
    assert "`mmm run --demo`" in done.stderr
    assert not (tmp_path / ".mmm" / "pipeline.yaml").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["scenario"],
        ["advise"],
        ["backtest"],
        ["load", "x.csv"],
        ["preview-prompt"],
        ["engines", "list"],
        ["run"],
    ],
    ids=lambda words: words[0],
)
def test_every_command_goes_by_the_folder_before_the_home_and_says_so(
    home: Home, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "pipeline.yaml").write_text("source: {kind: file, path: new.csv}\nbudget: {locked: [C]}\n")
    done = mmm(*command, "--home", home.root, folder=tmp_path)
    assert f"settings: {tmp_path / 'pipeline.yaml'} (this folder's); source: {tmp_path / 'new.csv'}" in done.stderr


def test_without_a_file_in_the_folder_the_home_s_settings_are_in_force(home: Home, tmp_path: Path) -> None:
    done = mmm("scenario", "--home", home.root, folder=tmp_path)
    assert f"settings: {home.settings_file} (this home's last run); source: {tmp_path / 'old.csv'}" in done.stderr


def test_the_line_is_no_part_of_the_json(tmp_path: Path) -> None:
    assert mmm("demo-data", "demo.csv", folder=tmp_path).returncode == 0
    done = mmm("check", "demo.csv", "--json", folder=tmp_path)
    assert json.loads(done.stdout)["rows"]["rejected"] == 4
    assert done.stderr.startswith("settings: ")


@pytest.mark.parametrize("command", [["run", "--demo"], ["run", "new.csv"], ["backtest", "--source", "new.csv"]])
def test_another_source_is_refused_where_nobody_can_be_asked(home: Home, tmp_path: Path, command: list[str]) -> None:
    before = home.settings_file.read_bytes()
    done = mmm(*command, "--home", home.root, folder=tmp_path)
    assert done.returncode == 1
    assert f"{home.root} holds the results of {tmp_path / 'old.csv'}" in done.stderr
    assert "the demo market (seed 5)" in done.stderr or str(tmp_path / "new.csv") in done.stderr
    assert "Give --replace to do so, or another --home to keep both" in done.stderr
    assert home.settings_file.read_bytes() == before
    assert not home.results.exists()


def test_on_a_terminal_it_is_a_question_and_no_is_the_default(home: Home, tmp_path: Path) -> None:
    main, side = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, "run", "--demo", "--home", str(home.root)], cwd=tmp_path, stdin=side, stderr=side, stdout=side
        )
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(main, 4096)
        os.write(main, b"\n")
        assert process.wait(timeout=60) == 1
        shown += os.read(main, 4096)
    finally:
        os.close(main)
        os.close(side)
    assert b"Replace them? [y/N]" in shown
    assert b"nothing was changed" in shown
    assert home.held_source() == _settings_on(tmp_path / "old.csv").source


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path, taken_port: int) -> None:
    done = mmm("ui", "--port", str(taken_port), "--home", "my home", folder=tmp_path)
    assert done.returncode == 1
    assert f"port {taken_port} on 127.0.0.1 is in use" in done.stderr
    assert "try mmm ui --home 'my home' --port " in done.stderr
    assert "open http" not in done.stdout
    assert not (tmp_path / "my home").exists()


def test_the_ui_goes_by_the_folder_and_notes_that_the_home_has_other_rows(home: Home, tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("source: {kind: file, path: new.csv}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*COMMAND, "ui", "--read-only", "--home", str(home.root), "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        opened = process.stdout.readline()
        process.kill()
        told = process.stderr.read()
    assert opened.startswith(f"open http://127.0.0.1:{port}")
    assert f"settings: {tmp_path / 'pipeline.yaml'} (this folder's)" in told
    assert f"note: {home.root} holds the results of {tmp_path / 'old.csv'}" in told


def test_help_and_completion_import_nothing_heavy(tmp_path: Path) -> None:
    heavy = "('dagster', 'jax', 'pandas')"
    code = f"import sys, mmm_pipeline.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
