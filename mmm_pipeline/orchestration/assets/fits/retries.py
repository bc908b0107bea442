"""Which failures of a fit may pass by themselves, and when it is tried again."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from mmm_pipeline.errors import MmmError
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["may_pass", "retried", "try_again_later"]


def may_pass(error: Exception) -> bool:
    """Whether a fit that failed so may succeed later: memory, disk, a compiler's or another process's moment.

    XLA reports that memory is out as a RuntimeError, HDF5 a full disk as an OSError or a RuntimeError. What is wrong in
    the data, the settings or the code stays wrong.
    """
    if isinstance(error, MmmError):
        return error.passing
    return isinstance(error, MemoryError | OSError | RuntimeError)


def try_again_later(context: dg.AssetExecutionContext, settings: Settings, why: str) -> None:
    """Let Dagster run the step again after a pause, which doubles every time; return when it has been tried enough.

    Raises:
        dagster.RetryRequested: always, but for the last try.
    """
    tried, most = context.op_execution_context.retry_number, settings.runs.fit_retries
    if tried >= most:
        return
    pause = settings.runs.retry_wait_seconds * 2**tried
    context.log.warning(f"{why}; tried again in {pause:g} s ({tried + 1} of at most {most} further tries)")
    raise dg.RetryRequested(max_retries=most, seconds_to_wait=pause)


@contextmanager
def retried(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[None]:
    """A failure inside the block that may pass makes Dagster run the step again, later."""
    try:
        yield
    except Exception as error:
        if may_pass(error):
            try_again_later(context, settings, f"{type(error).__name__}: {error}")
        raise
