"""The unit of what spend brings: KPI per unit of spend where the KPI is money, else per round amount."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["MONEY", "PER_SPEND", "Returns"]

PER_SPEND: dict[str, tuple[str, ...]] = {
    "attribution": ("roi", "roi_low", "roi_high", "marginal_roi", "marginal_roi_low", "marginal_roi_high"),
    "media_total": ("roi", "roi_low", "roi_high"),
    "attribution_by_market": ("roi", "roi_low", "roi_high", "marginal_roi", "marginal_roi_low", "marginal_roi_high"),
    "averaged_attribution": ("roi", "roi_low", "roi_high"),
    "spec_agreement": ("roi_champion", "roi_lowest", "roi_highest", "band_low", "band_high"),
    "budget_plan": ("marginal_roi_current", "marginal_roi_optimal"),
    "reallocation": tuple(f"{side}_marginal_roi_{when}" for side in ("from", "to") for when in ("current", "optimal")),
    "drift": ("roi_before", "roi_now", "change", "change_from_media", "change_learned", "change_mcse", "change_sd"),
    "engine_comparison": ("roi", "roi_low", "roi_high"),
    "prior_posterior_density": ("roi",),
}
"""Table -> its columns that are KPI per unit of spend."""


@dataclass(frozen=True)
class Returns:
    """The unit of what spend brings.

    Attributes:
        is_money: whether the KPI is money, so that 1 is break-even.
        per: amount of spend that a return is stated for: 1 for money, else a power of ten.
    """

    is_money: bool
    per: float

    def scaled(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """A stored table with its returns in this unit."""
        columns = [column for column in PER_SPEND.get(name, ()) if column in table.columns]
        if self.per == 1 or not columns:
            return table
        table = table.assign(**{column: table[column] * self.per for column in columns})
        # A density integrates to 1 over whatever its axis is.
        return table.assign(density=table["density"] / self.per) if name == "prior_posterior_density" else table


MONEY = Returns(is_money=True, per=1.0)
