"""Another process that holds a lock until it is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["holding_process"]

_HOLD = """
import sys, time
from pathlib import Path
from mmm_pipeline.storage.file_locks import take_lock
handle = take_lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def holding_process(path: Path) -> subprocess.Popen[str]:
    """Returns when the lock is held."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process
