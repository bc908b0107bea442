"""From the budget settings to the core's request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmm_pipeline.errors import InfeasibleBudget, SettingsError
from mmm_pipeline.settings.pipeline import BudgetSettings

if TYPE_CHECKING:
    from mmm_pipeline.mmm.budget.request import BudgetRequest

__all__ = ["budget_request", "require_known_budget_channels"]


def budget_request(settings: BudgetSettings) -> BudgetRequest:
    """The request that the settings describe."""
    from mmm_pipeline.mmm.budget.request import BudgetRequest
    from mmm_pipeline.mmm.budget.risk import RiskMeasure

    plain = {name: getattr(settings, name) for name in type(settings).model_fields if name not in ("groups", "risk")}
    return BudgetRequest(
        **plain,
        groups={name: (group.channels, group.total) for name, group in settings.groups.items()},
        risk=RiskMeasure(**settings.risk.model_dump()),
    )


def require_known_budget_channels(settings: BudgetSettings, channels: Sequence[str]) -> None:
    """Refuse a budget that names a channel the models will not have, before any time is spent on fitting them.

    Raises:
        SettingsError: naming the key, the name and the nearest channels.
    """
    from mmm_pipeline.mmm.budget.request import require_known_channels

    try:
        require_known_channels(channels, budget_request(settings))
    except InfeasibleBudget as error:
        raise SettingsError(f"{error} (excluded channels cannot be planned: see channels in the settings)") from error
