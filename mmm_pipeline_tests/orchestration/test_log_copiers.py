"""Ctrl-C in a terminal reaches every process of the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CODE = """
import os, signal, sys, time
import dagster as dg
from mmm_pipeline.orchestration.headless import spare_log_copiers_ctrl_c

with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    manager = instance.compute_log_manager
    spare_log_copiers_ctrl_c(manager)
    try:
        with manager.capture_logs(["run", "compute_logs", "step"]):
            time.sleep(2)  # until the copiers have started
            os.killpg(0, signal.SIGINT)
            time.sleep(30)
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_while_output_is_stored_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _CODE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True, timeout=90, check=False)
    assert done.stdout == "interrupted\n", done.stderr
    assert "Traceback" not in done.stderr
