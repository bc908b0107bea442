"""An engine in a real subprocess: a good answer, and every way in which there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mmm_pipeline.engines.catalog import catalog
from mmm_pipeline.engines.comparison import view_of_result
from mmm_pipeline.engines.environment_variables import engine_variables, install_variables
from mmm_pipeline.engines.process import run_engine
from mmm_pipeline.engines.request import build_request
from mmm_pipeline.engines.result import EngineResult, parse_result
from mmm_pipeline.errors import EngineError
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline_tests.engines.small_engine import make_engine, small_inputs

SETTINGS = parse_settings({"engines": {"chains": 2, "draws": 50}})


def ask(root: Path, *, timeout_seconds: float = 60, **how: str) -> EngineResult:
    engine = make_engine(root / "engines", **how)  # type: ignore[arg-type]
    request = build_request(small_inputs(), SETTINGS, engine, "adstock|1")
    return run_engine(engine, Path(sys.executable), request, root / "run", timeout_seconds=timeout_seconds)


@pytest.fixture(scope="module")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EngineResult]:
    root = tmp_path_factory.mktemp("good")
    return root, ask(root)


def test_a_good_answer_has_everything_the_contract_asks_for(good_run: tuple[Path, EngineResult]) -> None:
    _, result = good_run
    assert [row.channel for row in result.channels] == list(small_inputs()["channel"].to_numpy())
    assert len(result.holdout) == 28
    assert result.ess_roi_min is not None
    assert result.rhat_max == pytest.approx(1.0, abs=0.1)
    assert result.files == ("page.html",)


def test_roi_is_contribution_over_the_spend_of_the_train_days(good_run: tuple[Path, EngineResult]) -> None:
    row = good_run[1].channels[0]
    spend = small_inputs()["spend"].to_numpy()[:-28, 0].sum()
    assert row.spend == pytest.approx(spend)
    assert row.roi == pytest.approx(row.contribution / spend)


def test_what_the_engine_prints_is_kept(good_run: tuple[Path, EngineResult]) -> None:
    assert "the small engine speaks" in (good_run[0] / "run" / "output.log").read_text()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"fault": "crash"}, r"(?s)failed with status 1; it last said.*the small engine fell over"),
        ({"fault": "killed"}, "killed by SIGKILL; the machine may have run out of memory"),
        ({"fault": "silent"}, "without an error and without a result"),
        ({"fault": "garbage"}, "a result that is no JSON"),
        ({"fault": "other contract"}, "answered by contract 99, this pipeline reads 2"),
        ({"fault": "incomplete"}, r"breaks the contract in \d+ place"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_fault_is_one_clear_error(tmp_path: Path, how: dict[str, str], told: str) -> None:
    with pytest.raises(EngineError, match=told):
        ask(tmp_path, **how)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": "0.0.1"}, rf"numpy 0\.0\.1, pinned is {np.__version__}: run `mmm engines install small`"),
        ({"fingerprint": "other"}, "of another request"),
        ({"holdout": []}, "forecasts 0 days, asked were the 28 of the holdout"),
        ({"seconds_fit": None}, r"breaks the contract in 1 place\(s\); the first: seconds_fit"),
        ({"surprise": 1}, "the first: surprise"),
    ],
    ids=str,
)
def test_an_answer_that_does_not_fit_is_refused(
    good_run: tuple[Path, EngineResult], change: dict[str, object], told: str
) -> None:
    root, result = good_run
    engine = catalog(root / "engines")["small"]
    request = json.loads((root / "run" / "request.json").read_text())
    with pytest.raises(EngineError, match=told):
        parse_result({**result.model_dump(mode="json"), **change}, engine, request)


def test_an_answer_whose_chains_disagree_has_no_say(good_run: tuple[Path, EngineResult]) -> None:
    _, result = good_run
    worst = result.parameters[0].model_copy(update={"rhat": 1.3})
    stray = view_of_result("small", "Small", result.model_copy(update={"parameters": (worst,)}), counts=True)
    assert stray.status == "not_converged"
    assert "R-hat 1.3, above 1.1" in stray.reason
    assert view_of_result("small", "Small", result, counts=True).status == "ok"


def test_a_number_that_is_none_is_refused(good_run: tuple[Path, EngineResult]) -> None:
    root, result = good_run
    content = result.model_dump(mode="json")
    content["channels"][0]["roi"] = None
    with pytest.raises(EngineError, match=r"the first: channels\.0\.roi"):
        parse_result(
            content, catalog(root / "engines")["small"], json.loads((root / "run" / "request.json").read_text())
        )


def test_an_engine_out_of_time_is_ended_with_all_it_started(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"ended after .* minutes \(engines.timeout_minutes\)"):
        ask(tmp_path, fault="hangs", timeout_seconds=10)
    child = int((tmp_path / "engines" / "small" / "child.txt").read_text())
    assert _is_gone(child)


def test_an_interpreter_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    engine = make_engine(tmp_path / "engines")
    request = build_request(small_inputs(), SETTINGS, engine, "adstock|1")
    with pytest.raises(EngineError, match="Small could not be started with"):
        run_engine(engine, tmp_path / "no-python", request, tmp_path / "run", timeout_seconds=5)


def test_secrets_do_not_reach_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "MMM_WEBHOOK_URL", "DATABASE_URL", "PIP_INDEX_URL", "PGPASSFILE", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "hunter-2")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    engine = make_engine(tmp_path / "engines")
    engine.runner.write_text("import os; print(dict(os.environ)); raise SystemExit(3)")
    request = build_request(small_inputs(), SETTINGS, engine, "adstock|1")
    with pytest.raises(EngineError):
        run_engine(engine, Path(sys.executable), request, tmp_path / "run", timeout_seconds=30)
    printed = (tmp_path / "run" / "output.log").read_text()
    assert "'PATH'" in printed
    assert "'OMP_NUM_THREADS': '3'" in printed
    assert "hunter-2" not in printed


def test_an_engine_is_given_the_variables_that_it_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMDSTAN", "/opt/cmdstan")
    monkeypatch.setenv("MY_OWN", "kept back")
    make_engine(tmp_path / "engines")
    description = tmp_path / "engines" / "small" / "engine.toml"
    description.write_text(description.read_text() + 'variables = ["CMDSTAN"]\n')
    engine = catalog(tmp_path / "engines")["small"]
    assert engine_variables(os.environ, engine.variables)["CMDSTAN"] == "/opt/cmdstan"
    assert "MY_OWN" not in engine_variables(os.environ, engine.variables)


def test_pip_is_given_its_index_and_no_other_secret() -> None:
    environment = {"PIP_INDEX_URL": "x", "https_proxy": "y", "GEMINI_API_KEY": "z", "PYTHONPATH": "p", "HOME": "/h"}
    assert set(install_variables(environment)) == {"PIP_INDEX_URL", "https_proxy", "HOME"}


_ASKING = """
import json, sys
from pathlib import Path
from mmm_pipeline.engines.catalog import catalog
from mmm_pipeline.engines.environment_variables import engine_variables, install_variables
from mmm_pipeline.engines.process import run_engine
root = Path(sys.argv[1])
engine = catalog(root / "engines")["small"]
run_engine(engine, Path(sys.executable), {}, root / "run", timeout_seconds=60)
"""


def test_an_engine_ends_when_the_process_that_asked_it_is_killed(tmp_path: Path) -> None:
    engine = make_engine(tmp_path / "engines")
    engine.runner.write_text(
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid} ')\n"
        "time.sleep(60)\n"
    )
    asking = subprocess.Popen([sys.executable, "-c", _ASKING, str(tmp_path)])
    pids = tmp_path / "run" / "pids"
    until = time.monotonic() + 60
    while not (pids.is_file() and pids.read_text().endswith(" ")):
        assert time.monotonic() < until
        assert asking.poll() is None
        time.sleep(0.05)
    asking.kill()
    asking.wait()
    assert [number for number in map(int, pids.read_text().split()) if not _is_gone(number)] == []


def _is_gone(process: int, patience: float = 5.0) -> bool:
    """Whether a process has ended; one that nobody has waited for yet counts as ended."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{process}/status")
        if status.is_file() and "State:\tZ" in status.read_text():
            return True
        time.sleep(0.05)
    return False
