"""Stage 4c: other engines, each an asset of its own, run in its own environment under Dagster Pipes."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
import shutil
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.engines.answers import Answer, stored_answer, write_answer
from mmm_pipeline.engines.catalog import Engine, catalog, engine_named
from mmm_pipeline.engines.environments import environment_of
from mmm_pipeline.engines.process import run_engine
from mmm_pipeline.engines.request import build_request
from mmm_pipeline.engines.result import EngineResult
from mmm_pipeline.errors import EngineError
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.orchestration.runs.coordination import FIT_POOL, waiting_turn
from mmm_pipeline.orchestration.runs.partitions import spec_keys
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.generations import version_of
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.scratch import scratch_folder

__all__ = [
    "ENGINES_GROUP",
    "answered_engines",
    "asked_engines",
    "build_engine_assets",
    "stored_engines",
]

ENGINES_GROUP = "engines"

# A plain type: those of `dg.Config` also take {env: NAME}, which would put any secret of the environment into the run.
_OPTIONS = {
    "spec": dg.Field(
        dg.Noneable(str), default_value=None, description="adstock|degrees to fit; empty: as engines.specs says"
    )
}


def asked_engines(settings: Settings, also: Sequence[str] = ()) -> list[Engine]:
    """The engines of `engines.run`, and `also` these; raises EngineError for one that does not exist."""
    names = dict.fromkeys([*settings.engines.run, *also])
    return [engine_named(name, settings.engines.folder) for name in names]


def answered_engines(home: Home, settings: Settings) -> list[str]:
    """Engines that were already run in this home, so that the UI still shows them."""
    if not home.engine_files.is_dir():
        return []
    # A folder of engines that is gone or damaged is an error for those who ask one, not for the whole UI.
    with suppress(EngineError):
        return [name for name in catalog(settings.engines.folder) if (home.engine_files / name).is_dir()]
    return []


def build_engine_assets(engines: Sequence[Engine]) -> list[dg.AssetsDefinition]:
    """One asset per engine that is asked; none by default."""
    return [_build(engine) for engine in engines]


def _build(engine: Engine) -> dg.AssetsDefinition:
    options: dict[str, Any] = {"config_schema": _OPTIONS} if engine.grid else {}

    @dg.asset(
        name=engine.asset,
        group_name=ENGINES_GROUP,
        kinds={"python"},
        pool=FIT_POOL,
        description=f"{engine.title} {engine.version} as a second opinion, fitted on the train window in an "
        f"environment of its own: {engine.about}. When it fails, the pipeline goes on without it.",
        **options,
    )
    def engine_asset(
        context: dg.AssetExecutionContext, model_inputs: Any, champion_fit: pd.DataFrame, workspace: WorkspaceResource
    ) -> dg.MaterializeResult:
        # Read anew, as an edit of pipeline.yaml counts from the next run on.
        now = workspace.settings()
        keys = _wanted(context, engine, now, champion_fit)
        metadata: dict[str, Any] = {}
        for key in keys:
            told = _metadata(_ask(context, engine, model_inputs, now, workspace, key))
            metadata |= told if len(keys) == 1 else {f"{key}: {name}": value for name, value in told.items()}
        version = version_of(stored_answers(workspace.artifacts(), engine, keys))
        return dg.MaterializeResult(metadata=metadata, data_version=workspace.made(engine.asset, version))

    return engine_asset


def _wanted(
    context: dg.AssetExecutionContext, engine: Engine, settings: Settings, champion_fit: pd.DataFrame
) -> Sequence[str]:
    """Specs to fit: the one that the launchpad names, else what `engines.specs` says.

    Raises:
        EngineError: the launchpad names a spec that is not in the grid.
    """
    from mmm_pipeline.mmm.evaluation.ranking import champion_key

    if not engine.grid:
        return [champion_key(champion_fit)]
    grid = spec_keys(settings.model)
    asked = context.op_execution_context.op_config["spec"]
    if asked:
        if asked not in grid:
            raise EngineError(f"there is no spec {str(asked)[:100]!r}: accepted are {', '.join(grid)}")
        return [asked]
    return grid if settings.engines.specs == "grid" else [champion_key(champion_fit)]


def _ask(
    context: dg.AssetExecutionContext,
    engine: Engine,
    model_inputs: Any,
    settings: Settings,
    workspace: WorkspaceResource,
    key: str,
) -> Answer:
    """The stored answer where it is still one, else a new one, stored as soon as it is there."""
    artifacts = workspace.artifacts()
    stored_as = key if engine.grid else None
    request = build_request(model_inputs, settings, engine, key)
    label = f"{engine.title} {key}" if engine.grid else engine.title
    known = stored_answer(artifacts, engine, stored_as, request)
    if known.status == "ok":
        context.log.info(f"{label}: inputs and settings are unchanged, the stored answer is reused")
        return known
    context.log.info(f"{label}: about {engine.run_minutes:g} minutes for 90 days and 20 channels")
    kept = workspace.home.engine_files / engine.name / key.replace("|", "-")
    with scratch_folder(f"engine-{engine.name}") as folder:
        try:
            answer = Answer("ok", _run(context, engine, request, folder, settings))
        except EngineError as error:
            answer = Answer("failed", reason=str(error))
            context.log.error(f"{label}: {error}\nThe comparison goes on without it.")
        _keep(folder, kept)
    write_answer(artifacts, engine, stored_as, request, answer.result or answer.reason)
    return answer


def _run(
    context: dg.AssetExecutionContext, engine: Engine, request: dict[str, Any], folder: Path, settings: Settings
) -> EngineResult:
    environment = environment_of(engine)
    python = environment.interpreter()
    with warnings.catch_warnings():
        # Dagster warns of a part of its own readers that is in preview.
        warnings.filterwarnings("ignore", category=dg.PreviewWarning)
        session_of_run = dg.open_pipes_session(
            context=context,
            context_injector=dg.PipesTempFileContextInjector(),
            message_reader=dg.PipesTempFileMessageReader(),
            extras={"model": request["model"]},
        )
    waiting = waiting_turn(
        environment.lock,
        lambda process: context.log.info(f"process {process} uses {environment.folder}; waiting for it"),
    )
    with waiting, session_of_run as session:
        return run_engine(
            engine,
            python,
            request,
            folder,
            timeout_seconds=60 * settings.engines.timeout_minutes,
            environment=session.get_bootstrap_env_vars(),
        )


def _keep(folder: Path, kept: Path) -> None:
    """Keep what the engine printed and drew, in place of what it left last time; no links, which may lead anywhere."""
    shutil.rmtree(kept, ignore_errors=True)
    if (folder / "output.log").is_file():
        kept.mkdir(parents=True)
        shutil.copy(folder / "output.log", kept)
        if (folder / "files").is_dir():
            shutil.copytree(folder / "files", kept, dirs_exist_ok=True, ignore=_links)


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_symlink()]


def _metadata(answer: Answer) -> dict[str, Any]:
    result = answer.result
    if result is None:
        return {"status": answer.status, "reason": answer.reason}
    found: dict[str, Any] = {
        "status": answer.status,
        "model": result.model,
        "seconds": result.seconds_fit,
        "versions": ", ".join(f"{name} {version}" for name, version in result.versions.items()),
        "notes": "; ".join(result.notes) or "none",
    }
    if result.rhat_max is not None:
        found["rhat_max"] = result.rhat_max
    if result.ess_roi_min is not None:
        found["ess_roi_min"] = result.ess_roi_min
    return found


def stored_answers(artifacts: ArtifactStore, engine: Engine, keys: Sequence[str]) -> dict[str, Any]:
    """What is stored of an engine for these specs, as it lies there."""
    return {key: artifacts.read_json(engine.asset, key if engine.grid else None) for key in keys}


def stored_engines(settings: Settings, workspace: WorkspaceResource) -> list[Engine]:
    """Engines that are asked for, and those of which an answer is stored, asked for or not."""
    artifacts = workspace.artifacts()
    asked = {engine.name for engine in asked_engines(settings)}

    def is_stored(engine: Engine) -> bool:
        keys = spec_keys(settings.model) if engine.grid else [None]
        return any(artifacts.has(engine.asset, key, ".json") for key in keys)

    return [engine for engine in catalog(settings.engines.folder).values() if engine.name in asked or is_stored(engine)]
