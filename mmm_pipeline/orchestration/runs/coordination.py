"""How the runs of one home keep out of each other's way, and how one sees that another has died."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from mmm_pipeline.storage.file_locks import held_here, holder_of, take_lock, waiting_lock
from mmm_pipeline.storage.home import Home

if TYPE_CHECKING:
    import dagster as dg

__all__ = ["BACKTEST_JOB", "DECISIONS_JOB", "FIT_POOL", "REFRESH_JOB", "has_died", "know_pools"]
__all__ += ["show_alive", "waiting_turn"]

REFRESH_JOB = "refresh"
DECISIONS_JOB = "decisions"
"""A refresh that ends with the budget plan."""
BACKTEST_JOB = "backtest"
"""The same, then scored against what happened since."""
FIT_POOL = "fits"
"""Dagster's pool of the runs that fit something."""


def know_pools(instance: dg.DagsterInstance) -> None:
    """Give the pool its default limit before anything is queued.

    Dagster itself does so only while it starts the first queued runs, and lets all of those through at once.
    """
    instance.event_log_storage.initialize_concurrency_limit_to_default(FIT_POOL)


@contextmanager
def waiting_turn(lock: Path, told: Callable[[str], object]) -> Iterator[None]:
    """Hold a lock, having waited for it if need be; `told` is called once, with the process that is waited for.

    A step that has a process of its own does not wait for what the process of its run holds. Some network file systems
    know no locks. There nobody waits: files are still written whole, the last one stays.
    """
    with ExitStack() as held:
        if not (held_here(lock) or _held_by_parent(lock)):
            with suppress(OSError):
                held.enter_context(waiting_lock(lock, told))
        yield


def show_alive(instance: dg.DagsterInstance, run_id: str) -> None:
    """Hold the run's lock until this process ends; forget those of runs that are over.

    A step that has a process of its own ends with the process of its run, which holds the lock: the run is then marked
    as failed, and run again.
    """
    path = _sign_of(instance, run_id)
    # Nobody lets go of it earlier: a run is over in Dagster's books only after its resources are gone.
    try:
        if take_lock(path) is None:
            if _held_by_parent(path):
                Thread(target=_end_with_parent, daemon=True).start()
            return
    except OSError:  # no locks here: the run is only not watched
        return
    for old in set(path.parent.glob("*.lock")) - {path}:
        run = instance.get_run_by_id(old.stem)
        if run is None or run.is_finished:
            old.unlink(missing_ok=True)


def has_died(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run once showed that it lives and does not any more; False when it never did."""
    try:
        return holder_of(_sign_of(instance, run_id)) is None
    except OSError:
        return False


def _held_by_parent(lock: Path) -> bool:
    parent = parent_process()
    with suppress(OSError):
        return parent is not None and holder_of(lock) == str(parent.pid)
    return False


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    # Nothing is lost: what is stored is stored whole.
    os._exit(1)


def _sign_of(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Home(Path(instance.root_directory)).run_locks / f"{run_id}.lock"
