"""Steps in processes of their own: the run lives, and keeps others from its partition, between them, too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from mmm_pipeline.mmm.simulation.simulate import market_rows, simulate_market
from mmm_pipeline.orchestration.runs.coordination import has_died
from mmm_pipeline.storage.file_locks import holder_of
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.conftest import UP_TO_THE_CHAMPION, small_settings

_RUN = """
import sys
import dagster as dg
from dagster import reconstructable, execute_job
from mmm_pipeline import definitions

def refresh():
    return definitions.defs.resolve_job_def("refresh")

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        week, *assets = sys.argv[1:]
        done = execute_job(
            reconstructable(refresh),
            instance,
            asset_selection=list(map(dg.AssetKey, assets)),
            tags={"dagster/partition": week},
        )
    sys.exit(not done.success)
"""


def test_a_run_in_many_processes_lives_and_has_its_partition_to_itself_until_its_end(tmp_path: Path) -> None:
    source, home = tmp_path / "campaigns.csv", Home(tmp_path / "home")
    market_rows(simulate_market(channels=2, days=60, seed=1)).to_csv(source, index=False)
    home.prepare()
    home.remember_settings(small_settings(source, runs={"executor": "multiprocess", "processes": 2}))
    script = tmp_path / "refresh_in_processes.py"
    script.write_text(_RUN, encoding="utf-8")

    process = subprocess.Popen(
        [
            sys.executable,
            str(script),
            present(home).key,
            *UP_TO_THE_CHAMPION[: UP_TO_THE_CHAMPION.index("model_inputs")],
        ],
        cwd=tmp_path,
        env={**os.environ, "MMM_HOME": str(home.root), "DAGSTER_HOME": str(home.root)},
    )
    seen: list[tuple[bool, str | None]] = []
    with dg.DagsterInstance.from_config(str(home.root)) as instance:
        while process.poll() is None:
            holder = holder_of(present(home).run_lock) if present(home).run_lock.exists() else None
            signs = [has_died(instance, sign.stem) for sign in home.run_locks.glob("*.lock")]
            if process.poll() is None:
                seen += [(died, holder) for died in signs]
            time.sleep(0.05)
        [run] = instance.get_runs()
        messages = [entry.message for entry in instance.all_logs(run.run_id)]

    assert process.returncode == 0
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert sum(bool(re.search(r'Executing step "\w+" in subprocess', message)) for message in messages) >= 2
    assert len(seen) > 20
    assert not any(died for died, _ in seen)
    # From the first step on, the partition is held by the process of the run, and by no step.
    holders = [holder for _, holder in seen if holder is not None]
    assert set(holders) == {str(process.pid)}
