"""The dagster.yaml beside pyproject.toml, which a bare `dagster dev` reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
import yaml

from mmm_pipeline.storage.home import Home

ROOT = Path(__file__).parents[2]


def test_it_says_what_a_home_says_and_keeps_the_history_in_the_default_home(tmp_path: Path) -> None:
    Home(tmp_path).prepare()
    own = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert own.pop("storage") == {"sqlite": {"base_dir": ".mmm"}}
    assert own == yaml.safe_load((tmp_path / "dagster.yaml").read_text(encoding="utf-8"))
    assert own["telemetry"] == {"enabled": False}


def test_dagster_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert instance.get_runs() == []
    assert (tmp_path / ".mmm" / "history").is_dir()
