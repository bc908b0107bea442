"""Stage 3: the grid of posteriors, one partition per model spec."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

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
from mmm_pipeline.orchestration.runs.progress import FitProgress, report
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import ArtifactStore

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
    "fit_metadata",
    "fit_or_reuse",
    "reusable_fit",
    "rolling_key",
]

FITTED_MODEL = "fitted_model"
ROLLING_FITS = "rolling_fits"
"""Fits of the forecast windows before the holdout's; the holdout's own is the fitted model."""
_LOG_PARTS = 2


def build_fitted_model(
    grid: dg.MultiPartitionsDefinition, backfill: Literal["single_run", "per_partition"]
) -> dg.AssetsDefinition:
    """The partitioned asset over `grid`; a run may cover one cell, a row, or all of it.

    Args:
        grid: the specs.
        backfill: whether a backfill of several specs is one run, or one for each.
    """
    single = backfill == "single_run"
    # Without a policy every partition is a run of its own, named by its partition in the list of runs.
    policy = dg.BackfillPolicy.single_run() if single else None

    @dg.asset(
        name=FITTED_MODEL,
        partitions_def=grid,
        backfill_policy=policy,
        group_name="models",
        kinds={"numpyro", "jax"},
        pool=FIT_POOL,
        description="Posterior of one media-mix model (adstock × seasonality degrees) on the train window.",
    )
    def fitted_model(
        context: dg.AssetExecutionContext, model_inputs: Any, workspace: WorkspaceResource
    ) -> dg.MaterializeResult:
        from mmm_pipeline.mmm.data.model_data import train_data
        from mmm_pipeline.mmm.evaluation.rolling import rolling_windows

        settings, artifacts = workspace.settings(), workspace.artifacts()
        data = train_data(model_inputs)
        earlier = rolling_windows(model_inputs, settings.split.rolling_origins)[:-1]
        failures: dict[str, str] = {}
        drawn, passing = 0, []
        for key in map(str, context.partition_keys):
            spec = spec_of_key(settings, key, data)
            artifacts.remove(FITTED_MODEL, key, ".failure.json")
            try:
                fit, reused = fit_or_reuse(
                    spec, data, settings, artifacts, FITTED_MODEL, key, workspace, context.log.info
                )
                drawn += not reused
                drawn += fit_earlier_windows(spec, model_inputs, earlier, settings, workspace, context.log.info)
            except Exception as error:
                if not isinstance(error, MmmError):
                    context.log.exception(f"{key}: the fit failed")
                if may_pass(error):
                    passing.append(key)
                failures[key] = f"{type(error).__name__}: {error}"
                # On a full disk there is no room for the note either; the leaderboard then says `missing`.
                with suppress(StorageUnavailable):
                    artifacts.write_json(FITTED_MODEL, {"key": key, "error": failures[key]}, f"{key}.failure")
                continue
            file = dg.MetadataValue.path(str(artifacts.path(FITTED_MODEL, key)))
            metadata = {**fit_metadata(fit, reused), "earlier_windows": len(earlier), "file": file}
            context.add_asset_metadata(metadata, partition_key=key)
        if passing:
            # The fits that are there are stored, and reused by the next try.
            try_again_later(context, settings, "; ".join(f"{key} failed: {failures[key]}" for key in passing))
        if len(failures) == len(context.partition_keys):
            raise dg.Failure("no spec could be fitted: " + "; ".join(f"{key}: {why}" for key, why in failures.items()))
        for key, why in failures.items():
            context.log.error(f"{key}: the fit failed, the other specs go on without it: {why}")
        if not drawn and not failures:
            fits = len(context.partition_keys) * (1 + len(earlier))
            context.log.info(f"data and settings are those of the last fits: all {fits} were reused, none was drawn")
        return dg.MaterializeResult()

    return fitted_model


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
        if stored is not None:
            log(f"{label}: inputs and settings are unchanged, the stored fit is reused")
            return stored, True
        from mmm_pipeline.mmm.fit.sampler import sample, usable_cores, use_compilation_cache

        cache = workspace.folder().compilation_cache
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
        "rhat_max": float(convergence.rhat_max),
        "ess_bulk_min": float(convergence.ess_bulk_min),
        "ess_tail_min": float(convergence.ess_tail_min),
        "divergences": int(convergence.divergences),
        "attempts": len(fit.attempts),
        "seconds": float(fit.seconds),
        "reused": reused,
        **({"missed_thresholds": told_reasons(convergence.failures)} if convergence.failures else {}),
    }
