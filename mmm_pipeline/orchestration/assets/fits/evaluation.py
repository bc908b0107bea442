"""Stored fits held against days they have not seen: what the leaderboard is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.orchestration.assets.fits.fitting import FITTED_MODEL, ROLLING_FITS, rolling_key
from mmm_pipeline.orchestration.assets.fits.specs import fit_fingerprint, spec_of_key
from mmm_pipeline.orchestration.runs.partitions import spec_keys
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.tables.catalog import empty_table

if TYPE_CHECKING:
    import xarray as xr

    from mmm_pipeline.mmm.evaluation.ranking import Entry
    from mmm_pipeline.mmm.evaluation.rolling import Window
    from mmm_pipeline.mmm.evaluation.scores import HoldoutScore
    from mmm_pipeline.mmm.fit.fit import Fit
    from mmm_pipeline.mmm.inference.diagnostics import Convergence
    from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["Evaluation", "evaluated"]


@dataclass(frozen=True)
class Evaluation:
    """Attributes: leaderboard, naive, rolling: the contracts `leaderboard`, `naive_forecasts`, `rolling_origins`."""

    leaderboard: pd.DataFrame
    naive: pd.DataFrame
    rolling: pd.DataFrame


def evaluated(
    settings: Settings, artifacts: ArtifactStore, dataset: xr.Dataset, warn: Callable[[str], object]
) -> Evaluation:
    """Score every spec of the grid and every naive forecast on the same days."""
    from mmm_pipeline.mmm.evaluation.averaging import stacking_weights
    from mmm_pipeline.mmm.evaluation.naive import score_naive_forecasts
    from mmm_pipeline.mmm.evaluation.ranking import build_leaderboard, rival_keys
    from mmm_pipeline.mmm.evaluation.rolling import rolling_table, rolling_windows

    windows = rolling_windows(dataset, settings.split.rolling_origins)
    error = settings.ranking.error
    kpi = (dataset["kpi"].sum("market") if "market" in dataset.dims else dataset["kpi"]).to_numpy()
    known = [(kpi[: window.start], kpi[window.start : window.end]) for window in windows]
    step = TimeGrid.of_dates(dataset["time"].to_numpy()).step
    naive = score_naive_forecasts(known, error=error, step=step)
    grid = _Grid(settings, artifacts, dataset, windows, warn)
    entries = [grid.entry(key) for key in spec_keys(settings.model)]
    # Leave-one-out does not see that a spec forecasts badly, so that only those which forecast well are averaged.
    rivals = rival_keys(entries, error=error) if settings.ranking.averaging == "stacking" else set()
    weights = stacking_weights([entry for entry in entries if entry.spec.key in rivals])
    rolling = empty_table("rolling_origins")
    if len(windows) > 1 and grid.scores:
        of_windows = [score_naive_forecasts([window], error=error, step=step) for window in known]
        rolling = rolling_table(grid.scores, of_windows, naive, error=error)
    board = build_leaderboard(
        entries, naive, error=error, weights=weights, least_converged=settings.ranking.least_converged_specs
    )
    return Evaluation(board, naive, rolling)


class _Grid:
    """Reads one spec's fits at a time: all of them together would not fit the memory of a laptop."""

    def __init__(
        self,
        settings: Settings,
        artifacts: ArtifactStore,
        dataset: xr.Dataset,
        windows: Sequence[Window],
        warn: Callable[[str], object],
    ) -> None:
        from mmm_pipeline.mmm.data.model_data import train_data

        self._settings = settings
        self._artifacts = artifacts
        self._dataset = dataset
        self._windows = windows
        self._warn = warn
        self._train = train_data(dataset)
        self.scores: dict[str, list[tuple[Window, HoldoutScore, Convergence]]] = {}

    def entry(self, key: str) -> Entry:
        """The entry of a spec; one without usable fits says why."""
        from mmm_pipeline.mmm.evaluation.loo import psis_loo
        from mmm_pipeline.mmm.evaluation.ranking import entry_of_fit, entry_without_fit
        from mmm_pipeline.mmm.evaluation.rolling import convergence_of_all, score_window
        from mmm_pipeline.mmm.evaluation.scores import pooled

        spec = spec_of_key(self._settings, key, self._train)
        if self._artifacts.has(FITTED_MODEL, key, ".failure.json"):
            failure = self._artifacts.read_json(FITTED_MODEL, f"{key}.failure")
            return entry_without_fit(spec, "failed", failure["error"])
        scored, loo = [], None
        for window in self._windows:
            try:
                fit = self._fit(spec, window)
            except StoredResultError as error:
                self._warn(str(error))
                return entry_without_fit(spec, "missing", str(error))
            if fit is None:
                return entry_without_fit(spec, "stale")
            scored.append((window, score_window(fit, self._dataset, window), fit.convergence))
            loo = psis_loo(fit) if window == self._windows[-1] else None
        assert fit is not None
        if len(scored) == 1:
            return entry_of_fit(fit, scored[0][1], loo)
        self.scores[key] = scored
        together = pooled([score for _, score, _ in scored])
        verdict = convergence_of_all([(window, verdict) for window, _, verdict in scored])
        return entry_of_fit(fit, together, loo, convergence=verdict)

    def _fit(self, spec: ModelSpec, window: Window) -> Fit | None:
        """The stored fit of a window, the last being the fitted model; None when it is of other inputs or settings."""
        from mmm_pipeline.mmm.evaluation.rolling import window_data

        if window == self._windows[-1]:
            name, key, data = FITTED_MODEL, spec.key, self._train
        else:
            name, key, data = ROLLING_FITS, rolling_key(spec.key, window.origin), window_data(self._dataset, window)
        fit, fingerprint = self._artifacts.read_fit(name, key)
        return fit if fingerprint == fit_fingerprint(spec, data, self._settings) else None
