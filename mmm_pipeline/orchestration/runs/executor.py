"""How the steps of a run are run: in one process, or each in one of its own below a process that watches the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import dagster as dg

from mmm_pipeline.orchestration.runs.coordination import show_alive
from mmm_pipeline.settings.runs import RunSettings

__all__ = ["Turns", "executor_of"]


class Turns(Protocol):
    """Who lets one run at a time work on a partition."""

    def turn(self, run: dg.DagsterRun, told: Callable[[str], object]) -> AbstractContextManager[None]:
        """Hold the partition that a run is for, having waited for it if need be."""


def executor_of(runs: RunSettings, home: Turns) -> dg.ExecutorDefinition:
    """The executor that `runs.executor` names.

    In one process, all steps share one start of JAX. With processes of their own, several work at once, and one that is
    killed takes no other with it; each starts Python, and JAX where it needs it.
    """
    if runs.executor == "in_process":
        return dg.in_process_executor

    @dg.executor(
        name="multiprocess",
        config_schema=dg.multiprocess_executor.config_schema.as_field(),
        requirements=dg.multiple_process_executor_requirements(),
    )
    def several_processes(init_context: dg.InitExecutorContext) -> dg.Executor:
        create: Any = dg.multiprocess_executor.executor_creation_fn
        return _Watched(create(init_context), home)

    return several_processes.configured({"max_concurrent": runs.processes or 0}, name="multiprocess")


class _Watched(dg.Executor):
    """Dagster's executor, whose process shows that the run lives, also while none of its steps does, and keeps others
    from its partition between its steps.

    In one process, the resource `workspace` does both (`resources/workspace.py`), as `mmm run` has no executor.
    """

    def __init__(self, inner: Any, home: Turns) -> None:
        self._inner, self._home = inner, home

    @property
    def retries(self) -> Any:
        return self._inner.retries

    @property
    def step_dependency_config(self) -> Any:
        return self._inner.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        show_alive(plan_context.instance, plan_context.run_id)
        with self._home.turn(plan_context.dagster_run, plan_context.log.info):
            yield from self._inner.execute(plan_context, execution_plan)
