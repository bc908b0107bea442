"""Resources that a run cannot change: run config comes from whoever reaches the launchpad, and is not trusted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import dagster as dg

__all__ = ["fixed", "fixed_for_run", "fixed_over"]


def fixed(value: Any) -> dg.ResourceDefinition:
    """A resource, or IO manager, that is always `value`; config for it is refused before the run starts."""
    if isinstance(value, dg.IOManager):
        return dg.IOManagerDefinition(resource_fn=lambda _: value, config_schema={})
    return dg.ResourceDefinition(resource_fn=lambda _: value, config_schema={})


def fixed_over(make: Callable[[Any], Any], *, is_io_manager: bool = False) -> dg.ResourceDefinition:
    """A resource, or IO manager, made of the run's workspace; config for it is refused before the run starts."""
    kind = dg.IOManagerDefinition if is_io_manager else dg.ResourceDefinition
    return kind(
        resource_fn=lambda context: make(context.resources.workspace),
        config_schema={},
        required_resource_keys={"workspace"},
    )


def fixed_for_run(make: Callable[[dg.InitResourceContext], AbstractContextManager[Any]]) -> dg.ResourceDefinition:
    """The same for a resource that is set up when a run starts and given back when it ends."""
    return dg.ResourceDefinition(resource_fn=make, config_schema={})
