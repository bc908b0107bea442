"""From the budget settings to the core's request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmm_pipeline.errors import InfeasibleBudget, SettingsError
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.pipeline import BudgetSettings

if TYPE_CHECKING:
    import xarray as xr

    from mmm_pipeline.mmm.budget.request import BudgetRequest

__all__ = ["budget_request", "require_possible_budget"]


def budget_request(settings: BudgetSettings, step: Step) -> BudgetRequest:
    """The request that the settings describe, on data of a step."""
    return settings.request(settings.horizon_periods(step), step)


def require_possible_budget(settings: BudgetSettings, dataset: xr.Dataset) -> list[str]:
    """Refuse a budget that data and settings already make impossible, before any time is spent on fitting.

    Args:
        settings: the section `budget`.
        dataset: of `build_model_inputs`.

    Returns:
        What should be known of the coming plan: that there will be none, as nothing is spent, or what it starts from.

    Raises:
        SettingsError: the budget names a channel that the models will not have, or its constraints contradict each
            other or the spend of the last days.
    """
    from mmm_pipeline.mmm.budget.problem import budget_problem
    from mmm_pipeline.mmm.data.spend_basis import current_spend_of, latest_spend_of

    step = TimeGrid.of_dates(dataset["time"].to_numpy()).step
    request, labelled = budget_request(settings, step), dataset["spend"]
    total = labelled.sum("market") if "market" in labelled.dims else labelled
    spend = total.transpose("time", "channel").to_numpy()
    channels = tuple(str(channel) for channel in dataset["channel"].to_numpy())
    current, days = current_spend_of(spend, request.horizon), step.counted(request.horizon)
    latest, last = latest_spend_of(spend, request.horizon)
    try:
        problem = budget_problem(channels, current, request, latest)
    except InfeasibleBudget as error:
        if error.code == "no_spend":
            return [f"there will be no budget plan: {error}"]
        raise SettingsError(
            f"budget: {error} (the plan starts from the spend of the last {days}; channels that are excluded "
            "cannot be planned)"
        ) from error
    if not problem.high.any():
        return ["there will be no budget plan: the bounds allow no spend in any channel; see budget.amounts"]
    if not current.any():
        day = TimeGrid.of_dates(dataset["time"].to_numpy()).last_day(last)
        return [f"the last {days} cost nothing, so budget bounds are multiples of the {days} up to {day}"]
    return []
