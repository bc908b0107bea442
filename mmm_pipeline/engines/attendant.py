"""Starts a program (an engine, a server), and ends it and all it started when whoever asked for it is gone.

Run as a script, by the interpreter alone: `python attendant.py PROGRAM [ARGUMENT ...]`. Whoever starts it makes it the
leader of a process group and keeps the other end of its standard input open. The system closes that end when its holder
ends, however it ends (`kill -9` too), on Linux and macOS alike; then the whole group is killed. On Linux the system
itself also kills the program when the attendant is killed (`PR_SET_PDEATHSIG`, see prctl(2)).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

__all__ = ["NOT_STARTED", "main"]

NOT_STARTED = 127
"""Exit status when there is no such program, as of a shell."""
_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Run the command to its end; returns its exit status, or dies of the signal that it died of."""
    # Who ends the group asks the program first, and waits for it here.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    prctl = _prctl()

    def in_program() -> None:
        # A command that a script put in the background ignores SIGINT, and Dagster takes SIGTERM for it.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    try:
        # There is one thread at this time, so that the function is safe.
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=in_program)
    except OSError as error:
        print(error, file=sys.stderr)
        return NOT_STARTED
    threading.Thread(target=_kill_group_when_alone, daemon=True).start()
    status = program.wait()
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


def _prctl() -> Any:
    """The system call of that name; None where there is none."""
    try:
        import ctypes

        return ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    except (ImportError, OSError, AttributeError):
        return None


def _kill_group_when_alone() -> None:
    # Nothing is ever written: a read returns when the other end is closed, which is when its holder ends.
    os.read(0, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
