"""Commands as people really run them: into pipes that close, full disks, and terminals without UTF-8."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from mmm_pipeline.cli.output import console, lasting_output, print_json, print_text
from mmm_pipeline.mmm.simulation.simulate import market_rows, simulate_market

COMMAND = [sys.executable, "-m", "mmm_pipeline.cli.main"]


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = market_rows(simulate_market(channels=2, days=84, seed=1))
    rows["Ad group alias"] += " \x1b[31m검색\u202e"
    path = tmp_path_factory.mktemp("source") / "campaigns.csv"
    rows.to_csv(path, index=False)
    return path


def mmm(*arguments: str | Path, stdout: int, **environment: str) -> subprocess.Popen[bytes]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, env={**os.environ, **environment})


@pytest.mark.parametrize("encoding", ["latin-1", "cp949"])
def test_a_table_is_printed_in_every_encoding(campaigns: Path, encoding: str) -> None:
    done = mmm("check", "--source", campaigns, stdout=subprocess.PIPE, PYTHONIOENCODING=encoding)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err.decode(errors="replace")
    assert "rows accepted" in out.decode(encoding)
    assert b"\x1b" not in out


def test_json_keeps_every_name_where_the_encoding_cannot_hold_it(campaigns: Path) -> None:
    names = []
    for encoding in ("utf-8", "ascii"):
        done = mmm("check", "--source", campaigns, "--json", stdout=subprocess.PIPE, PYTHONIOENCODING=encoding)
        names.append(json.loads(done.communicate(timeout=120)[0].decode(encoding))["channels"])
    assert names[0] == names[1]
    assert "검색" in names[0][0]


def test_a_pipe_that_is_closed_early_ends_quietly(campaigns: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = mmm("check", "--source", campaigns, stdout=writing)
    os.close(writing)
    assert [line[:9] for line in done.communicate(timeout=120)[1].splitlines()] == [b"settings:"]
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_that_is_lost_is_said_and_is_a_failure(campaigns: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = mmm("check", "--source", campaigns, stdout=full.fileno())
        err = done.communicate(timeout=120)[1].decode()
    assert done.returncode == 1
    settings, error = err.splitlines()
    assert settings.startswith("settings: ")
    assert error == "error: the output could not be written: No space left on device"


_WAITING = """
import time
import typer
from mmm_pipeline.cli.command_line import ReadableCommand
from mmm_pipeline.storage.scratch import scratch_folder

app = typer.Typer(cls=ReadableCommand)

@app.command()
def wait():
    with scratch_folder("wait"):
        print("at work", flush=True)
        time.sleep(60)

app.callback()(lambda: None)
app(["wait"])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_command_says_so_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    done = subprocess.Popen(
        [sys.executable, "-c", _WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        # Tests run under nohup ignore a hangup, and so would the command.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    assert done.stdout is not None
    assert done.stdout.readline() == "at work\n"
    assert len(list(tmp_path.iterdir())) == 1
    done.send_signal(number)
    err = done.communicate(timeout=30)[1]
    assert done.returncode == 130
    assert err.startswith("error: interrupted; earlier results are intact")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_symbols_have_ascii_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    with lasting_output():
        print_text("✓ 9,280 → 10,559 ★ é 검색")
    assert written.getvalue().decode("latin-1") == "+ 9,280 -> 10,559 * é ??\n"


def test_the_stream_of_before_is_usable_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    before = io.TextIOWrapper(written, encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", before)
    with lasting_output() as lost:
        print_json({"a": 1})
    assert sys.stdout is before
    before.write("✓")
    before.flush()
    assert written.getvalue().decode() == '{\n  "a": 1\n}\n✓'
    assert lost == []


def test_names_inside_a_table_are_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    table = Table("channel")
    table.add_row("\x1b]0;pwn\x07\x1b[31mRED\x1b[0m\u202e")
    console().print(table)
    assert "]0;pwn[31mRED[0m" in written.getvalue()
    assert not {"\x1b", "\x07", "\u202e"} & set(written.getvalue())
