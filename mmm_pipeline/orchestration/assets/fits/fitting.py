"""Stage 3: the grid of posteriors, one asset per model spec, and the asset that says which of them are there."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import dagster as dg

from mmm_pipeline.errors import MmmError, StorageUnavailable, StoredResultError
from mmm_pipeline.mmm.reasons import told_reasons
from mmm_pipeline.orchestration.assets.fits.retries import may_pass, try_again_later
from mmm_pipeline.orchestration.assets.fits.specs import (
    convergence_thresholds,
    fit_fingerprint,
    sampler_settings,
    spec_of_key,
)
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.orchestration.runs.coordination import FIT_POOL, waiting_turn
from mmm_pipeline.orchestration.runs.partitions import FITTED_MODEL, spec_asset, spec_assets, spec_keys
from mmm_pipeline.orchestration.runs.progress import FitProgress, report
from mmm_pipeline.settings.pipeline import ModelSettings, Settings
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.generations import version_of
from mmm_pipeline.storage.workspace import stored_refreshes

if TYPE_CHECKING:
    from mmm_pipeline.mmm.data.model_data import ModelData
    from mmm_pipeline.mmm.evaluation.rolling import Window
    from mmm_pipeline.mmm.fit.fit import Fit
    from mmm_pipeline.mmm.fit.sampler import SamplingProgress
    from mmm_pipeline.mmm.specs import ModelSpec

__all__ = [
    "FITTED_MODEL",
    "ROLLING_FITS",
    "build_fitted_model",
    "build_spec_assets",
    "fit_metadata",
    "fit_or_reuse",
    "reusable_fit",
    "rolling_key",
    "take_from_another_partition",
]

ROLLING_FITS = "rolling_fits"
"""Fits of the forecast windows before the holdout's; the holdout's own is the fitted model."""
_GROUP = "models"
_FAILURE, _LAST_RUN = "failure", "last_run"
_LOG_PARTS = 5
"""Lines of the log that one phase of one chain gets."""
_NEAREST = 12
"""Partitions that are searched for a fit of the same inputs and settings."""


def build_spec_assets(model: ModelSettings) -> list[dg.AssetsDefinition]:
    """One asset per spec of the grid: each is there, with its figures, as soon as it is fitted."""
    return [_spec_asset(key) for key in spec_keys(model)]


def _spec_asset(key: str) -> dg.AssetsDefinition:
    adstock, _, degrees = key.partition("|")
    name = spec_asset(key).to_user_string()

    @dg.asset(
        key=spec_asset(key),
        group_name=_GROUP,
        kinds={"numpyro", "jax"},
        pool=FIT_POOL,
        tags={"adstock": adstock, "degrees": degrees},
        description=f"Posterior of the media-mix model {adstock} with {degrees} seasonality degree(s) on the train "
        "window. Where it fails, the others go on without it, and it says why.",
    )
    def fitted_spec(
        context: dg.AssetExecutionContext, model_inputs: Any, workspace: WorkspaceResource
    ) -> dg.MaterializeResult:
        settings, artifacts = workspace.settings(), workspace.artifacts()
        artifacts.remove(FITTED_MODEL, f"{key}.{_FAILURE}", ".json")
        try:
            metadata, drawn = _fitted(key, model_inputs, settings, workspace, context.log.info)
        except Exception as error:
            if not isinstance(error, MmmError):
                context.log.exception(f"{key}: the fit failed")
            why = f"{type(error).__name__}: {error}"
            # On a full disk there is no room for the note either; the leaderboard then says `missing`.
            with suppress(StorageUnavailable):
                artifacts.write_json(FITTED_MODEL, {"key": key, "error": why}, f"{key}.{_FAILURE}")
            if may_pass(error):
                try_again_later(context, settings, f"{key} failed: {why}")
            context.log.error(f"{key}: the fit failed, the other specs go on without it: {why}")
            return dg.MaterializeResult(
                metadata={"status": "failed", "reason": why}, data_version=workspace.made(name, version_of(why))
            )
        artifacts.write_json(FITTED_MODEL, {"run": context.run.run_id, "drawn": drawn}, f"{key}.{_LAST_RUN}")
        version = artifacts.fit_fingerprint(FITTED_MODEL, key)
        return dg.MaterializeResult(metadata=metadata, data_version=workspace.made(name, version))

    return fitted_spec


def _fitted(
    key: str, dataset: Any, settings: Settings, workspace: WorkspaceResource, log: Callable[[str], object]
) -> tuple[dict[str, Any], int]:
    """Fit a spec on all windows that are asked for; what the UI shows of it, and how many fits were drawn."""
    from mmm_pipeline.mmm.data.model_data import train_data
    from mmm_pipeline.mmm.evaluation.rolling import rolling_windows, score_window

    artifacts, data = workspace.artifacts(), train_data(dataset)
    *earlier, last = rolling_windows(dataset, settings.split.rolling_origins)
    spec = spec_of_key(settings, key, data)
    fit, reused = fit_or_reuse(spec, data, settings, artifacts, FITTED_MODEL, key, workspace, log)
    drawn = int(not reused) + fit_earlier_windows(spec, dataset, earlier, settings, workspace, log)
    error, score = settings.ranking.error, {}
    with suppress(MmmError):  # the leaderboard says why a fit cannot be scored
        score = {f"holdout_{error}": round(float(score_window(fit, dataset, last).error(error)), 4)}
    return {
        **fit_metadata(fit, reused),
        **score,
        "earlier_windows": len(earlier),
        "file": dg.MetadataValue.path(str(artifacts.path(FITTED_MODEL, key))),
    }, drawn


def build_fitted_model(model: ModelSettings) -> dg.AssetsDefinition:
    """The grid as a whole: what there is to choose from."""
    grid = spec_keys(model)

    @dg.asset(
        name=FITTED_MODEL,
        deps=list(spec_assets(model)),
        group_name=_GROUP,
        kinds={"numpyro", "jax"},
        description="The grid of fits as a whole: which specs are fitted, and which failed.",
    )
    def fitted_model(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
        artifacts = workspace.artifacts()
        failures = {
            key: str(artifacts.read_json(FITTED_MODEL, f"{key}.{_FAILURE}")["error"])
            for key in grid
            if artifacts.has(FITTED_MODEL, f"{key}.{_FAILURE}", ".json")
        }
        there = [key for key in grid if key not in failures and artifacts.has(FITTED_MODEL, key)]
        if not there:
            told = [f"{key}: {failures.get(key, 'it was not stored')}" for key in grid]
            raise dg.Failure("no spec could be fitted: " + "; ".join(told))
        if missing := [key for key in grid if key not in failures and key not in there]:
            context.log.warning(
                f"not fitted in this partition: {', '.join(missing)}. Materialize their assets; after a change of "
                "model.adstocks or model.degrees, reload the definitions first"
            )
        if not failures and all(_was_reused(artifacts, key, context.run.run_id) for key in grid):
            context.log.info(
                f"data and settings are those of the last fits: all {len(grid)} were reused, none was drawn"
            )
        return dg.MaterializeResult(
            metadata={
                "fitted": len(there),
                "failed": len(failures),
                **{key: dg.MetadataValue.text(f"failed: {why}") for key, why in failures.items()},
            },
            data_version=workspace.made(FITTED_MODEL),
        )

    return fitted_model


def _was_reused(artifacts: ArtifactStore, key: str, run: str) -> bool:
    """Whether this run took the fit of a spec, and those of its earlier windows, from the store."""
    if not artifacts.has(FITTED_MODEL, f"{key}.{_LAST_RUN}", ".json"):
        return False
    return bool(artifacts.read_json(FITTED_MODEL, f"{key}.{_LAST_RUN}") == {"run": run, "drawn": 0})


def fit_earlier_windows(
    spec: "ModelSpec",
    dataset: Any,
    windows: "Sequence[Window]",
    settings: Settings,
    workspace: WorkspaceResource,
    log: Callable[[str], object],
) -> int:
    """Fit the windows before the holdout's, where rolling origins are asked for; forget those that are over.

    Each is stored as soon as it is there, so that a killed run goes on where it stopped.

    Returns:
        Number of windows that were drawn, the others being reused.
    """
    from mmm_pipeline.mmm.evaluation.rolling import window_data

    artifacts = workspace.artifacts()
    keys = {rolling_key(spec.key, window.origin): window for window in windows}
    for key in artifacts.keys(ROLLING_FITS, spec.key):
        if key not in keys:
            artifacts.remove(ROLLING_FITS, key)
    drawn = 0
    for number, (key, window) in enumerate(keys.items(), start=1):
        label = f"{spec.key} before {window.origin} ({number} of {len(keys)} earlier windows)"
        _, reused = fit_or_reuse(
            spec, window_data(dataset, window), settings, artifacts, ROLLING_FITS, key, workspace, log, label=label
        )
        drawn += not reused
    return drawn


def rolling_key(spec_key: str, origin: str) -> str:
    """Key of a stored fit of an earlier window: `carryover|2|2025-06-23`."""
    return f"{spec_key}|{origin}"


def fit_or_reuse(
    spec: "ModelSpec",
    data: "ModelData",
    settings: Settings,
    artifacts: ArtifactStore,
    name: str,
    key: str | None,
    workspace: WorkspaceResource,
    log: Callable[[str], object],
    *,
    label: str | None = None,
) -> tuple["Fit", bool]:
    """A stored fit of exactly these inputs and settings, or a new one, stored as soon as it is there."""
    label = label or spec.key
    fingerprint = fit_fingerprint(spec, data, settings)
    # A run that draws the same fit is waited for, to reuse what it stores.
    lock = workspace.folder().fit_lock(name, key)
    with waiting_turn(lock, lambda process: log(f"{label}: process {process} is at this fit; waiting for it")):
        stored = reusable_fit(artifacts, name, key, fingerprint, log)
        if stored is None and take_from_another_partition(workspace, settings, name, key, fingerprint):
            stored = reusable_fit(artifacts, name, key, fingerprint, log)
        if stored is not None:
            log(f"{label}: inputs and settings are unchanged, the stored fit is reused")
            return stored, True
        from mmm_pipeline.mmm.fit.sampler import sample, usable_cores, use_compilation_cache

        cache = workspace.home.compilation_cache
        if not use_compilation_cache(cache):
            log(f"{cache}: is a link, or not this user's own folder, so compiled programs are not kept there")
        threads = settings.runs.threads_per_fit or max(1, usable_cores() // workspace.pool_limit(FIT_POOL))
        log(f"{label}: sampling {settings.sampler.chains} chains, {threads} at once")
        started = time.perf_counter()
        fit = sample(
            spec,
            data,
            sampler_settings(settings),
            convergence_thresholds(settings),
            progress=_progress_reporter(label, log),
            threads=threads,
        )
        artifacts.write_fit(name, fit, fingerprint=fingerprint, key=key)
    verdict = "converged" if fit.convergence.converged else "did NOT converge"
    log(f"{label}: {verdict} after {time.perf_counter() - started:.0f} s, {len(fit.attempts)} attempt(s)")
    return fit, False


def take_from_another_partition(
    workspace: WorkspaceResource, settings: Settings, name: str, key: str | None, fingerprint: str
) -> bool:
    """Store a fit of exactly these inputs and settings that another partition has; whether there is one.

    Nothing came to a source for weeks, say, or a week is filled again that ended as the next one began.
    """
    here = workspace.folder()
    others = [folder for folder in stored_refreshes(here.home, settings) if folder.key != here.key]
    for folder in sorted(others, key=lambda folder: folder.key, reverse=True)[:_NEAREST]:
        theirs = artifact_store(settings, folder)
        with suppress(StoredResultError):  # being removed meanwhile
            if theirs.has(name, key) and theirs.fit_fingerprint(name, key) == fingerprint:
                workspace.artifacts().take_fit(name, key, theirs)
                return True
    return False


def reusable_fit(
    artifacts: ArtifactStore, name: str, key: str | None, fingerprint: str, log: Callable[[str], object]
) -> "Fit | None":
    """The stored fit when it carries this fingerprint; a missing, stale or damaged one is None."""
    if not artifacts.has(name, key):
        return None
    try:
        fit, stored = artifacts.read_fit(name, key)
    except StoredResultError as error:
        log(f"{error}; it is fitted again")
        return None
    return fit if stored == fingerprint else None


def _progress_reporter(fit: str, log: Callable[[str], object]) -> "Callable[[SamplingProgress], None]":
    """Pass every report to the terminal; without one, log each half of each chain's phases only."""
    logged: dict[tuple[int, int, str], int] = {}

    def reporter(progress: "SamplingProgress") -> None:
        if report(FitProgress(fit, progress.chain, progress.phase, progress.done, progress.total, progress.attempt)):
            return
        chain_phase = (progress.attempt, progress.chain, progress.phase)
        parts = _LOG_PARTS * progress.done // progress.total
        if parts > logged.get(chain_phase, 0):
            logged[chain_phase] = parts
            share = progress.done / progress.total
            log(f"{fit}: chain {progress.chain + 1}, {progress.phase} at {share:.0%} (attempt {progress.attempt})")

    return reporter


def fit_metadata(fit: "Fit", reused: bool) -> dict[str, Any]:
    convergence = fit.convergence
    return {
        "converged": convergence.converged,
        "rhat_max": round(float(convergence.rhat_max), 4),
        "ess_bulk_min": round(float(convergence.ess_bulk_min)),
        "ess_tail_min": round(float(convergence.ess_tail_min)),
        "divergences": int(convergence.divergences),
        "attempts": len(fit.attempts),
        "seconds": round(float(fit.seconds), 1),
        "reused": reused,
        **({"missed_thresholds": told_reasons(convergence.failures)} if convergence.failures else {}),
    }
