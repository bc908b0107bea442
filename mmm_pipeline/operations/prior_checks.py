"""What the priors of the settings imply on the model inputs, and whether that can be meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from mmm_pipeline.settings.pipeline import Settings

__all__ = ["prior_sentence", "prior_warnings"]


def prior_sentence(row: Mapping[str, Any], settings: Settings) -> str:
    """What the priors say of all media, in one English sentence; `row`: that of all media in `prior_check`."""
    interval = f"{row['share_low']:.0%} to {row['share_high']:.0%}"
    return (
        f"before any data, media is expected to cause {row['share']:.0%} of {settings.columns.kpi} "
        f"({settings.report.credible_interval:.0%} interval {interval}), and more than all of it with probability "
        f"{row['probability_above_kpi']:.0%} (priors.media.kind {settings.priors.media.kind})"
    )


def prior_warnings(table: pd.DataFrame, settings: Settings) -> list[str]:
    """Why the priors cannot be meant, in English; empty: nothing speaks against them.

    Args:
        table: the contract `prior_check`.
        settings: for the KPI's name and the rule of the priors.
    """
    from mmm_pipeline.mmm.sensitivity.prior_check import is_absurd

    together = table.loc[table["channel"].isna()].sort_values("share", ascending=False, kind="stable")
    worst = {str(name): value for name, value in together.iloc[0].to_dict().items()}
    if not is_absurd(float(together["share"].max()), float(together["probability_above_kpi"].max())):
        return []
    return [
        f"the priors are not plausible ({worst['adstock']}): {prior_sentence(worst, settings)}. Where data is weak, "
        "results will repeat that: set priors.media (total_share is the default)"
    ]
