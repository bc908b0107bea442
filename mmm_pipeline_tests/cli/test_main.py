"""The `mmm` command as a user types it: its output and its exit status."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmm_pipeline.cli.command_line import in_force
from mmm_pipeline.cli.main import app
from mmm_pipeline.mmm.simulation.simulate import market_rows, simulate_market
from mmm_pipeline.storage.home import Home

COMMAND = [sys.executable, "-m", "mmm_pipeline.cli.main"]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def mmm(*arguments: str | Path, folder: Path, **environment: str) -> Done:
    """Run the command in this process: starting one takes longer than what most commands do."""
    before = dict(os.environ)
    try:
        with contextlib.chdir(folder):
            result = CliRunner().invoke(
                app, [*map(str, arguments)], env={"COLUMNS": "160", **environment}, catch_exceptions=False
            )
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Done(result.exit_code, result.stdout, result.stderr)


def mmm_process(*arguments: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "COLUMNS": "160", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "campaigns.csv"
    market_rows(simulate_market(channels=3, days=84, seed=1)).to_csv(path, index=False)
    return path


@pytest.fixture
def few_draws(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        "model: {adstocks: [carryover], degrees: [1]}\n"
        "sampler: {chains: 2, warmup: 400, draws: 100, max_escalations: 0}\n"
        "convergence: {rhat_max: 1.5, ess_min: 5, divergence_share_max: 1.0}\n"
    )
    return path


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = mmm_process("--help", folder=tmp_path).stdout
    assert [name for name in ("run", "check", "ui", "demo-data", "doctor") if name not in shown] == []


def test_check_prints_the_window_rows_and_channels_as_json(campaigns: Path, tmp_path: Path) -> None:
    done = mmm("check", "--source", campaigns, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {"window", "rows", "excluded_channels", "channels"} <= set(report)
    assert len(report["channels"]) == 3
    assert report["rows"]["rejected"] == sum(report["rows"]["reasons"].values())


def test_check_of_the_real_export(campaign_export: Path, tmp_path: Path) -> None:
    report = json.loads(mmm("check", "--source", campaign_export.resolve(), "--json", folder=tmp_path).stdout)
    assert report["rows"] == {"accepted": 9586, "rejected": 0, "reasons": {}}
    assert report["window"]["start"] == "2021-10-17"
    assert report["window"]["end"] == "2022-01-11"
    assert [row["channel"] for row in report["excluded_channels"]] == ["Brand 1 Ad Group 12"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"Date,Ad group alias,Impressions,Spend,Sales\n", "no"),
        (b"\x00\x01\x02\xff" * 500, "error"),
        (b"Date;Kanal;Klicks\n2026-01-01;a;1\n", "no table with a KPI"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_message_without_a_traceback(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    source = tmp_path / "rows.csv"
    source.write_bytes(content)
    done = mmm("check", "--source", source, folder=tmp_path)
    assert done.returncode != 0
    assert "rows.csv" in done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_mistake_in_the_settings_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("sampler: {chainz: 4}\n")
    done = mmm_process("run", folder=tmp_path)
    assert done.returncode != 0
    assert "did you mean 'chains'" in done.stderr
    assert "Traceback" not in done.stderr


def test_checking_says_that_the_season_is_longer_than_the_data(campaigns: Path, tmp_path: Path) -> None:
    done = mmm("check", "--source", campaigns, folder=tmp_path)
    assert "season and trend cannot be separated" in " ".join(done.stdout.replace("│", " ").split())


def test_checking_names_a_misspelt_channel_of_the_budget_and_the_closest(campaigns: Path, tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("budget: {locked: [Brand 2 Search Brandedd]}\n")
    done = mmm("check", "--source", campaigns, folder=tmp_path)
    assert done.returncode != 0
    assert "'Brand 2 Search Brandedd'" in done.stderr
    assert "Brand 2 Search Branded" in done.stderr.replace("Brandedd", "")


def test_demo_and_source_exclude_each_other(campaigns: Path, tmp_path: Path) -> None:
    done = mmm("run", "--demo", "--source", campaigns, folder=tmp_path)
    assert done.returncode != 0
    assert "exclude each other" in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_demo_data_passes_its_own_check(tmp_path: Path, suffix: str) -> None:
    written = mmm("demo-data", f"demo{suffix}", folder=tmp_path)
    assert written.returncode == 0, written.stderr
    truth = json.loads((tmp_path / f"demo{suffix}.truth.json").read_text(encoding="utf-8"))
    report = json.loads(mmm("check", "--source", f"demo{suffix}", "--json", folder=tmp_path).stdout)
    assert sorted(truth["channels"]) == sorted(report["channels"])


def test_doctor_names_the_bucket_and_never_shows_a_credential(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("storage: {artifacts: gs://marketing/mmm}", encoding="utf-8")
    done = mmm("doctor", folder=tmp_path, GOOGLE_APPLICATION_CREDENTIALS="/secret/place.json", GEMINI_API_KEY="k-123")
    assert "Python" in done.stdout
    assert "gs://marketing/mmm" in done.stdout
    assert "/secret/place.json" not in done.stdout + done.stderr
    assert "k-123" not in done.stdout + done.stderr


@pytest.mark.faults
def test_a_killed_run_keeps_the_earlier_results_and_the_next_run_completes(
    campaigns: Path, few_draws: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    arguments = ["run", "--source", campaigns, "--config", few_draws, "--home", home]
    first = mmm_process(*arguments, folder=tmp_path)
    assert first.returncode == 0, first.stderr + first.stdout
    report = (home / "results" / "latest" / "report.html").read_bytes()

    few_draws.write_text(few_draws.read_text().replace("draws: 100", "draws: 200000"))
    killed = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert killed.stdout is not None
    assert any("fitting carryover|1" in line for line in killed.stdout)
    time.sleep(1.0)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(timeout=30)
    assert (home / "results" / "latest" / "report.html").read_bytes() == report

    few_draws.write_text(few_draws.read_text().replace("draws: 200000", "draws: 120"))
    again = mmm_process(*arguments, folder=tmp_path)
    assert again.returncode == 0, again.stderr + again.stdout
    summary = json.loads((home / "results" / "latest" / "summary.json").read_text(encoding="utf-8"))
    assert summary["settings"]["sampler"]["draws"] == 120


def test_load_merges_an_export_and_the_table_is_then_the_source(tmp_path: Path) -> None:
    assert mmm("demo-data", "week.csv", folder=tmp_path).returncode == 0
    first = mmm("load", "week.csv", "--to", "duckdb", "--home", "home", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    (tmp_path / "pipeline.yaml").write_text("source: {kind: duckdb, path: home/campaigns.duckdb, table: campaigns}\n")

    again = mmm("load", "week.csv", folder=tmp_path)

    assert "rows new      │ 0" in again.stdout
    checked = json.loads(mmm("check", "--json", folder=tmp_path).stdout)
    assert checked["rows"]["rejected"] == 0
    assert checked["rows"]["accepted"] > 3_000


def test_load_without_a_table_says_where_it_could_go(tmp_path: Path) -> None:
    done = mmm("load", "week.csv", folder=tmp_path)
    assert done.returncode == 1
    assert "Give --to duckdb, or --to bigquery --table dataset.table" in done.stderr


def test_load_refuses_tables_that_are_not_long(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("source: wide.csv\ncolumns: {kpi: revenue, patterns: {spend: '*_S'}}\n")

    done = mmm("load", "wide.csv", "--to", "duckdb", folder=tmp_path)

    assert done.returncode == 1
    assert "stores long tables" in done.stderr
    assert "point source at the file itself" in done.stderr.replace("\n", " ")
    assert not (tmp_path / ".mmm" / "campaigns.duckdb").exists()


def test_another_file_is_read_with_the_decimal_mark_of_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "pipeline.yaml"
    config.write_text("source: {decimal: comma}\n")

    source = in_force(Home(tmp_path / "home"), config, file=tmp_path / "other.csv").settings.source

    assert (source.kind, source.decimal) == ("file", "comma")


def test_what_to_know_about_the_data_is_printed_during_a_run() -> None:
    from rich.console import Console

    from mmm_pipeline.cli.terminal import RunDisplay
    from mmm_pipeline.orchestration.headless import RunStep

    printed = io.StringIO()
    RunDisplay(Console(file=printed, width=40), 1).step(
        RunStep("warning", "channel '[red]' spent 0.04, " + "long " * 20)
    )

    assert printed.getvalue().startswith("! channel '[red]' spent 0.04, long long")
    assert printed.getvalue().count("\n") == 1
