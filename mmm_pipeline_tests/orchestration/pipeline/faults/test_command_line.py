"""Fits by `dg launch`, as cron or a person starts them: beside each other, and one spec or all of a week."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.faults.conftest import home_with_inputs

_CARRYOVER_2 = 'key:"fitted_model/carryover_2"'


def _launch(home: Home, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "dg"), "launch", "-m", "mmm_pipeline.definitions", *options],
        cwd=home.root,
        env={**os.environ, "DAGSTER_HOME": str(home.root), "MMM_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_same_fit_asked_for_twice_at_once_is_drawn_once(tmp_path: Path, small_campaign: Path) -> None:
    long = {"chains": 2, "warmup": 150, "draws": 20_000, "max_escalations": 0, "max_tree_depth": 6}
    home = home_with_inputs(tmp_path / "home", small_campaign, {}, sampler=long)

    both = [_launch(home, "--assets", _CARRYOVER_2, "--partition", present(home).key) for _ in range(2)]
    printed = [process.communicate(timeout=900)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], printed
    first, second = sorted(printed, key=lambda text: "is at this fit; waiting for it" in text)
    assert "carryover|2: sampling" in first
    assert "carryover|2: sampling" not in second
    assert "the stored fit is reused" in second
    assert ArtifactStore(present(home).artifacts).read_fit("fitted_model", "carryover|2")[0].convergence is not None


def test_a_spec_and_then_the_whole_grid(tmp_path: Path, small_campaign: Path) -> None:
    model = {"adstocks": ["adstock", "carryover"], "degrees": [1, 2]}
    home = home_with_inputs(tmp_path / "home", small_campaign, {}, model=model)

    def fits_after(assets: str) -> set[str]:
        launched = _launch(home, "--assets", assets, "--partition", present(home).key)
        printed = launched.communicate(timeout=900)[0]
        assert launched.returncode == 0, printed
        return {path.stem for path in (present(home).artifacts / "fitted_model").glob("*.nc")}

    assert fits_after(_CARRYOVER_2) == {"carryover-2"}
    assert fits_after('key:"fitted_model/*"') == {"adstock-1", "adstock-2", "carryover-1", "carryover-2"}
