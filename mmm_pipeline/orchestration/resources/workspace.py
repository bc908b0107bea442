"""One Dagster resource: the home folder, the settings in force and the stores behind the IO managers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.orchestration.runs.coordination import show_alive, waiting_turn
from mmm_pipeline.orchestration.runs.partitions import is_of_specs_only, partition_of_run
from mmm_pipeline.storage.atomic_files import remove_unfinished
from mmm_pipeline.storage.generations import record, require_one_generation, sources, version_of
from mmm_pipeline.storage.warehouses import Warehouse, open_warehouse
from mmm_pipeline.storage.workspace import Workspace

__all__ = ["RunWorkspace", "WorkspaceResource"]


@dataclass(frozen=True)
class RunWorkspace(Workspace):
    """The workspace within a run.

    No `ConfigurableResource`: whoever launches a run could point one of those at other folders.

    Attributes:
        instance: Dagster's, within a run.
        told: takes a line for the log of the run, within one.
        upstream: assets -> what each is made from, by name.
    """

    instance: dg.DagsterInstance | None = field(default=None, repr=False, compare=False)
    told: Callable[[str], object] | None = field(default=None, repr=False, compare=False)
    upstream: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False, compare=False)

    @contextmanager
    def for_run(self, context: dg.InitResourceContext) -> Iterator[RunWorkspace]:
        """Dagster calls this in every process that runs steps, before the first of them."""
        told = context.log.info if context.log is not None else None
        partition = None if context.run is None else partition_of_run(context.run.tags)
        within = dataclasses.replace(self, instance=context.instance, told=told, partition=partition or self.partition)
        if context.run is None or context.instance is None:
            yield within
            return
        show_alive(context.instance, context.run.run_id)
        with self.turn(context.run, told or (lambda line: None)):
            yield within

    @contextmanager
    def turn(self, run: dg.DagsterRun, told: Callable[[str], object]) -> Iterator[None]:
        """Hold the partition that a run is for: two runs over one would mix their tables; others are not disturbed.

        Runs of specs alone may be at work beside each other: nothing is written but fits, which say what they are of.
        """
        partition = partition_of_run(run.tags)
        if partition is not None and self.problem is None:
            self._require_partition(partition)
        if partition is None or self.problem is not None or is_of_specs_only(run.asset_selection):
            yield
            return
        folder = self.home.refresh(partition)
        with waiting_turn(
            folder.run_lock,
            lambda process: told(f"process {process} is at work on this partition; waiting until it is done"),
        ):
            remove_unfinished(folder.artifacts)
            yield

    def warehouse(self) -> Warehouse:
        return open_warehouse(self.settings(), self.folder(), self.told)

    def _require_partition(self, key: str) -> None:
        """Raises SettingsError when a run, whose tags anybody can write, is for no partition there is."""
        calendar = self.full_settings().calendar
        if calendar.named(key).first > calendar.today():
            raise SettingsError(f"the partition {key} has not begun yet")

    def made(self, name: str, version: str | None = None) -> dg.DataVersion:
        """Note what a stored asset was made from; returns the version that Dagster shows.

        Args:
            name: of the asset.
            version: fingerprint of its content; None: by what it was made from.
        """
        artifacts, upstream = self.artifacts(), self.upstream.get(name, ())
        version = version or version_of([name, sources(artifacts, upstream)])
        record(artifacts, name, version, upstream)
        return dg.DataVersion(version)

    def require_one_generation(self, names: Sequence[str]) -> None:
        """Raises StoredResultError when these assets were made from different data."""
        require_one_generation(self.folder(), self.settings(), names)

    def pool_limit(self, pool: str) -> int:
        """How many runs may be in a pool at once; 1 outside a run, and where nothing limits it."""
        if self.instance is None:
            return 1
        own = {limit.name: limit.limit for limit in self.instance.event_log_storage.get_pool_limits()}
        return own.get(pool) or self.instance.global_op_concurrency_default_limit or 1


WorkspaceResource = dg.ResourceParam[RunWorkspace]
"""The type of an asset's argument `workspace`."""
