"""A fit of several markets together: one posterior, looked at market by market or in total."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.data.model_data import FitData, PanelData
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.fit.storage import StoredFit, restored, stored
from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence, parameter_diagnostics
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["PanelFit", "restored_fit"]


@dataclass(frozen=True)
class PanelFit:
    """One posterior over G markets. Totals are sums over the markets, draw by draw, in the KPI's own units.

    Attributes:
        spec: the model.
        data: the windows, each mean-scaled by itself.
        inference: as of a `Fit`; what belongs to a market has the dimension `market`.
        convergence: the verdict on the posterior.
        attempts: every try, the last being this posterior's.
        seconds: wall time of all tries.
    """

    spec: ModelSpec
    data: PanelData
    inference: az.InferenceData
    convergence: Convergence
    attempts: tuple[Attempt, ...]
    seconds: float

    @property
    def posterior(self) -> xr.Dataset:
        """Draws of every parameter, on the scaled data: (chain, draw, ...)."""
        return self.inference["posterior"]

    def markets(self) -> tuple[Fit, ...]:
        """One ordinary fit per market, with this posterior's draws; only the channels that were on there."""
        return self._markets

    @cached_property
    def _markets(self) -> tuple[Fit, ...]:
        return tuple(
            self._market(name, window) for name, window in zip(self.data.markets, self.data.windows, strict=True)
        )

    def _market(self, name: str, window: FitData) -> Fit:
        on = np.flatnonzero(window.media.any(axis=0) & window.spend.any(axis=0))
        groups: dict[str, Any] = {}
        for group in self.inference.groups():
            dataset = self.inference[group]
            if "market" in dataset.dims:
                dataset = dataset.sel(market=name, drop=True)
            groups[group] = dataset.isel(channel=on) if "channel" in dataset.dims else dataset
        own = FitData(
            **{
                **vars(window),
                "channels": tuple(window.channels[c] for c in on),
                "media": window.media[:, on],
                "media_scale": window.media_scale[on],
                "spend": window.spend[:, on],
            }
        )
        inference = az.InferenceData(**groups)
        return Fit(self.spec, own, inference, self.convergence, self.attempts, self.seconds, market=name)

    def media_parameters(self) -> dict[str, np.ndarray]:
        """What the markets share of every channel: transform parameters, name -> (S, C), S = chains x draws."""
        values = {name: self.posterior[name].to_numpy() for name in self.spec.transform.parameter_names}
        return {name: value.reshape(-1, value.shape[-1]) for name, value in values.items()}

    def contributions(self) -> xr.DataArray:
        """KPI that media brought in all markets together: (chain, draw, time, channel) over the window."""
        channels = np.asarray(self.data.channels, dtype=object)
        parts = [fit.contributions().reindex(channel=channels, fill_value=0.0) for fit in self.markets()]
        return _total(parts).rename("contribution")

    def baseline(self) -> xr.DataArray:
        """The mean without media in all markets together: (chain, draw, time) over the window."""
        return _total([fit.baseline() for fit in self.markets()]).rename("baseline")

    def fitted_mean(self) -> xr.DataArray:
        """Expected KPI of all markets together, (chain, draw, time) over the window."""
        return (self.baseline() + self.contributions().sum("channel")).rename("fitted_mean")

    def posterior_predictive(self, *, seed: int = 0) -> xr.DataArray:
        """KPI of all markets that the model would have expected to observe: (chain, draw, time) over the window."""
        draws = [
            fit.posterior_predictive(seed=each) for fit, each in zip(self.markets(), self._seeds(seed), strict=True)
        ]
        return _total(draws).rename("kpi")

    def predict_mean(
        self,
        media: xr.DataArray | np.ndarray,
        *,
        features: xr.DataArray | np.ndarray | None = None,
        days: np.ndarray | None = None,
    ) -> xr.DataArray:
        """Expected KPI of all markets on the H days that follow the window; see `Fit.predict_mean`.

        Args:
            media: media units, labelled (market, time, channel).
            features: (H, F) features in their own units, the same in every market.
            days: (H,) the days.

        Returns:
            (chain, draw, time)

        Raises:
            ModelInputError: markets, channels, features or days do not match the fit, or a value is not finite.
        """
        parts = [fit.predict_mean(self._of_market(media, fit), features=features, days=days) for fit in self.markets()]
        return _total(parts).rename("kpi_mean")

    def predict(
        self,
        media: xr.DataArray | np.ndarray,
        *,
        features: xr.DataArray | np.ndarray | None = None,
        days: np.ndarray | None = None,
        seed: int = 0,
    ) -> xr.DataArray:
        """Posterior predictive KPI of all markets on the days that follow: `predict_mean` plus each market's noise."""
        parts = [
            fit.predict(self._of_market(media, fit), features=features, days=days, seed=each)
            for fit, each in zip(self.markets(), self._seeds(seed), strict=True)
        ]
        return _total(parts).rename("kpi")

    def diagnostics(self) -> xr.Dataset:
        """`rhat`, `ess_bulk`, `ess_tail` of every scalar parameter, over `parameter`."""
        return parameter_diagnostics(self.posterior)

    def to_inference_data(self) -> az.InferenceData:
        """Everything in ArviZ groups that netCDF can hold; `restored_fit` takes it back without loss."""
        return stored(StoredFit(self.spec, self.data, self.inference, self.convergence, self.attempts, self.seconds))

    def _of_market(self, media: xr.DataArray | np.ndarray, fit: Fit) -> xr.DataArray:
        if not isinstance(media, xr.DataArray) or "market" not in media.dims:
            raise ModelInputError("media of a panel must be labelled (market, time, channel)")
        if fit.market not in media["market"].to_numpy().tolist():
            raise ModelInputError(f"media lack the fitted market {fit.market!r}")
        return media.sel(market=fit.market, drop=True)

    def _seeds(self, seed: int) -> list[int]:
        """One seed per market: noise is independent."""
        return [int(word) for word in np.random.SeedSequence(seed).generate_state(len(self.data.markets))]


def restored_fit(idata: az.InferenceData) -> Fit | PanelFit:
    """The fit that `to_inference_data` described, of one market or of a panel.

    Raises:
        StoredResultError: a group or attribute is missing, damaged or of another version.
    """
    parts = restored(idata)
    return PanelFit(**parts._asdict()) if isinstance(parts.data, PanelData) else Fit(**parts._asdict())


def _total(parts: list[xr.DataArray]) -> xr.DataArray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
