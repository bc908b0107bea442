"""Run the whole pipeline in this process, through Dagster, so that the run is in the UI afterwards."""

from __future__ import annotations

import logging
import os
import re
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.engines.catalog import engine_named
from mmm_pipeline.errors import MmmError, SettingsError
from mmm_pipeline.mmm.inference.xla import prepare_jax
from mmm_pipeline.orchestration.dagster_storage import readable_storage_errors
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.schedule import Period
from mmm_pipeline.storage.atomic_files import remove_unfinished
from mmm_pipeline.storage.file_errors import file_error
from mmm_pipeline.storage.file_locks import holder_of, take_lock
from mmm_pipeline.storage.home import CONFIG_VARIABLE, HOME_VARIABLE, Home, RefreshFolder
from mmm_pipeline.storage.settings_in_force import effective_settings
from mmm_pipeline.storage.workspace import newest_refresh
from mmm_pipeline.text_safety.printable import printable

if TYPE_CHECKING:
    import dagster as dg

__all__ = ["RunOutcome", "RunStep", "ask_engine", "build_definitions", "fill_partition", "refresh"]
__all__ += ["spare_log_copiers_ctrl_c"]


@dataclass(frozen=True)
class RunStep:
    """Something that happened in the run.

    Attributes:
        kind: `start`, `materialized`, `warning` (something to know about the data before anything is fitted),
            `check_failed`, `retried` (failed, but tried again after a pause), `failed`, or `said` (a line of the log of
            the step at work).
        name: the step, asset or check; the sentence that was said.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class RunOutcome:
    """How the run ended.

    Attributes:
        run_id: Dagster's id of the run.
        problems: what failed, ready to be shown; empty when all went well.
        warnings: checks that warn.
    """

    run_id: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        return not self.problems


def refresh(
    home: Home,
    settings: Settings,
    on_step: Callable[[RunStep], None],
    *,
    period: Period | None = None,
    job_name: str | None = None,
    quick: bool = False,
    replace: bool = False,
) -> RunOutcome:
    """Materialize every asset of a job for one partition, and run every check.

    Args:
        home: where everything is kept; prepared when new.
        settings: settings of the run; the home remembers them once their rows are read.
        on_step: told of every step as it happens.
        period: which partition; default: the present one.
        job_name: which job; default: the one that covers everything.
        quick: fewer draws; the home does not remember that.
        replace: rows of another source may take the place of those in the home.

    Raises:
        SettingsError: the home cannot be used, or another run is at work on the partition.
    """
    home.prepare()
    period = period or settings.calendar.present()
    folder = home.refresh(period.key)
    home.know_first(min(period.first, home.first_known() or period.first))
    with _only_one_run(folder), _written(folder, settings) as file, _environment(home, file) as config:
        from mmm_pipeline.orchestration.runs.coordination import REFRESH_JOB
        from mmm_pipeline.orchestration.runs.tags import run_tags

        definitions = build_definitions(home, config, quick=quick, replace=replace)
        job = definitions.resolve_job_def(job_name or REFRESH_JOB)
        return _executed(home, job, period.key, on_step, tags=run_tags(settings, quick=quick))


def build_definitions(
    home: Home,
    config: Path | None,
    *,
    also_engines: Sequence[str] = (),
    quick: bool = False,
    replace: bool = False,
    problem: str | None = None,
) -> dg.Definitions:
    """The pipeline over one home folder and one settings file."""
    from mmm_pipeline.orchestration.definitions import build_pipeline

    return build_pipeline(home, config, also_engines=also_engines, quick=quick, replace=replace, problem=problem)


def fill_partition(
    home: Home, settings: Settings, period: Period, *, quick: bool = False, replace: bool = False
) -> tuple[str, ...]:
    """Fill a partition up to the budget plan and score it, without pictures and reports.

    Returns:
        What failed, ready to be shown.

    Raises:
        SettingsError: the home cannot be used, or another run is at work on the partition.
    """
    from mmm_pipeline.orchestration.runs.coordination import BACKTEST_JOB

    return refresh(
        home, settings, lambda step: None, period=period, job_name=BACKTEST_JOB, quick=quick, replace=replace
    ).problems


def ask_engine(
    home: Home, config: Path | None, name: str, key: str | None, on_step: Callable[[RunStep], None]
) -> RunOutcome:
    """Run one engine on the newest stored inputs, and bring comparison, pictures and report up to date.

    Args:
        home: of an earlier refresh.
        config: settings in force.
        name: of the engine.
        key: spec to fit, for an engine that has our grid; None: what `engines.specs` says.
        on_step: told of every step as it happens.

    Raises:
        SettingsError: another run is at work on the home.
        EngineError: there is no such engine.
    """
    home.prepare()
    settings = effective_settings(home, config)
    folder = newest_refresh(home, settings)
    with _only_one_run(folder), _environment(home, config):
        from mmm_pipeline.orchestration.automation import engine_job_name
        from mmm_pipeline.orchestration.runs.tags import run_tags

        definitions = build_definitions(home, config, also_engines=[name])
        options = {"ops": {engine_named(name, settings.engines.folder).asset: {"config": {"spec": key}}}} if key else {}
        job = definitions.resolve_job_def(engine_job_name(name))
        return _executed(home, job, folder.key, on_step, tags=run_tags(settings), run_config=options)


@contextmanager
def _written(folder: RefreshFolder, settings: Settings) -> Iterator[Path]:
    """The settings of a run as a file, which every step reads, until the block ends."""
    file = folder.write_run_settings(settings)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _environment(home: Home, config: Path | None) -> Iterator[Path | None]:
    """What a subprocess, or Dagster's own machinery, reads to find this home, until the block ends."""
    ours = {HOME_VARIABLE: str(home.root), "DAGSTER_HOME": str(home.root)}
    if config is not None:
        ours[CONFIG_VARIABLE] = str(config)
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield config
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _executed(
    home: Home,
    job: dg.JobDefinition,
    partition: str,
    on_step: Callable[[RunStep], None],
    *,
    tags: dict[str, str],
    run_config: Mapping[str, Any] | None = None,
) -> RunOutcome:
    """Run a job for one partition to its end in this process.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM ended it, which Dagster books as a failed step.
    """
    import dagster as dg

    prepare_jax()

    from mmm_pipeline.orchestration.runs.coordination import know_pools

    run_id = str(uuid.uuid4())
    with readable_storage_errors(home), dg.DagsterInstance.get() as instance:
        know_pools(instance)
        spare_log_copiers_ctrl_c(instance.compute_log_manager)
        instance.add_event_listener(run_id, lambda entry: _pass_on(entry, on_step))
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            partition_key=partition,
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **(run_config or {})},
        )
    if _was_interrupted(result):
        raise KeyboardInterrupt
    problems, warnings = _verdict(result)
    return RunOutcome(run_id, problems, warnings)


def spare_log_copiers_ctrl_c(manager: Any) -> None:
    """Start the processes by which Dagster stores a step's output without an ear for Ctrl-C.

    The terminal sends it to them as well, and one of them would answer with a traceback in the middle of ours. Dagster
    ends them itself when the step ends.
    """
    capture = manager.capture_logs

    @contextmanager
    def captured(log_key: Sequence[str]) -> Iterator[Any]:
        with ExitStack() as stack:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which children inherit
            try:
                context = stack.enter_context(capture(log_key))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield context

    manager.capture_logs = captured


@contextmanager
def _only_one_run(folder: RefreshFolder) -> Iterator[None]:
    """Two runs over one partition would overwrite each other's tables."""
    home = folder.home
    try:
        handle = take_lock(folder.run_lock)
    except OSError as error:
        raise SettingsError(
            f"home folder {home.root}: cannot be written: {file_error(error, folder.run_lock)}. Choose another with "
            "--home"
        ) from error
    if handle is None:
        holder = holder_of(folder.run_lock) or "unknown"
        raise SettingsError(
            f"another run is at work on partition {folder.key} of {home.root} (process {holder}): wait for it, or "
            "choose another --home"
        )
    with handle:
        remove_unfinished(folder.artifacts)
        yield


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    sources = (event.step_failure_data.error_source for event in result.all_events if event.is_step_failure)
    return any(source is not None and source.name == "INTERRUPT" for source in sources)


def _pass_on(entry: Any, on_step: Callable[[RunStep], None]) -> None:
    event = entry.dagster_event
    # An error here would be an error of the run, which does not depend on who watches it.
    with suppress(Exception):
        if event is not None:
            _tell(event, on_step)
        elif entry.level >= logging.INFO:
            on_step(RunStep("said", entry.user_message))


def _tell(event: Any, on_step: Callable[[RunStep], None]) -> None:
    kind = event.event_type_value
    if kind == "STEP_START":
        on_step(RunStep("start", str(event.step_key)))
    elif kind == "ASSET_MATERIALIZATION":
        from mmm_pipeline.ingestion.input_warnings import INPUT_WARNINGS

        on_step(RunStep("materialized", event.asset_key.to_user_string()))
        warnings = event.step_materialization_data.materialization.metadata.get(INPUT_WARNINGS)
        for warning in warnings.value if warnings is not None else ():
            on_step(RunStep("warning", warning))
    elif kind == "ASSET_CHECK_EVALUATION" and not event.event_specific_data.passed:
        on_step(RunStep("check_failed", event.event_specific_data.check_name))
    elif kind == "STEP_UP_FOR_RETRY":
        on_step(RunStep("retried", str(event.step_key)))
    elif kind == "STEP_FAILURE":
        on_step(RunStep("failed", str(event.step_key)))


def _verdict(result: dg.ExecuteInProcessResult) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Problems and warnings of a finished run, each one readable paragraph."""
    import dagster as dg

    problems, warnings = [], []
    for evaluation in result.get_asset_check_evaluations():
        if evaluation.passed:
            continue
        text = f"check {evaluation.check_name}: {evaluation.description or 'failed'}"
        if evaluation.severity == dg.AssetCheckSeverity.ERROR:
            problems.append(text + _offending_rows(evaluation.metadata))
        else:
            warnings.append(text)
    for event in result.all_events:
        if event.is_step_failure and not _is_blocked_by_check(event):
            problems.append(f"{event.step_key}: {_readable(event.step_failure_data.error)}")
    if not result.success and not problems:
        problems.append("the run did not succeed; the event log in the UI says more")
    return tuple(problems), tuple(warnings)


def _offending_rows(metadata: Any) -> str:
    rows = metadata.get("offending_rows")
    if rows is None:
        return ""
    lines = [", ".join(f"{column}={value}" for column, value in record.data.items()) for record in rows.records[:5]]
    return "".join(f"\n    {line}" for line in lines)


def _is_blocked_by_check(event: Any) -> bool:
    return "DagsterAssetCheckFailedError" in str(event.step_failure_data.error)


def _readable(error: Any) -> str:
    """The message of the user-facing error in the chain of causes, else the innermost one."""
    known = {cls.__name__ for cls in _all_subclasses(MmmError)} | {"Failure"}
    innermost = error
    while error is not None:
        if error.cls_name in known:
            return _without_class(error.message)
        innermost, error = error, error.cause
    return _with_place(printable(innermost.message.strip()))


def _with_place(message: str) -> str:
    """A full disk is often told without a name; then it is one of these two."""
    if "[Errno 28]" not in message or "'" in message:
        return message
    return (
        f"{message}: the disk of the home folder, or that of temporary files ({tempfile.gettempdir()}), is full: free "
        "space there and run again"
    )


def _without_class(message: str) -> str:
    return re.sub(r"^[\w.]+: ", "", message.strip(), count=1)


def _all_subclasses(parent: type) -> set[type]:
    found = {parent}
    children: list[type] = parent.__subclasses__()
    for child in children:
        found |= _all_subclasses(child)
    return found
