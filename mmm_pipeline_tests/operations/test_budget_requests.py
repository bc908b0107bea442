"""What data and settings decide of a budget before anything is fitted."""

from __future__ import annotations

from typing import Any

import pytest
import xarray as xr

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.operations.budget_requests import require_possible_budget
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset


def _said(budget: dict[str, Any], dataset: xr.Dataset) -> list[str]:
    return require_possible_budget(parse_settings({"budget": budget}).budget, dataset)


def _paused(days: int) -> xr.Dataset:
    """Nothing was spent on the last days."""
    dataset = market_dataset(zero_inflated=False)
    dataset["spend"][-days:] = 0.0
    return dataset


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"total": 1e9}, r"budget: the total of 1,000,000,000\.00 is above the sum of the upper bounds"),
        ({"total": 0.01}, r"is below the sum of the lower bounds"),
        ({"groups": {"brand": {"channels": ["channel 1"], "total": 1e9}}}, r"the total of group 'brand'"),
        ({"locked": ["channel 0", "channel 1", "channel 2"], "total": 1e9}, r"of it locked"),
        ({"locked": ["chanel 1"]}, r"budget\.locked names 'chanel 1', .* did you mean 'channel 1'"),
        ({"lower": 0.5, "upper": 0.9}, r"what the last 28 days cost\) is above the sum of the upper bounds"),
    ],
)
def test_a_budget_that_cannot_be_met_is_refused(budget: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        _said(budget, market_dataset())


def test_a_possible_budget_needs_no_words() -> None:
    assert _said({"target_kpi": 500.0}, market_dataset()) == []
    assert _said({}, market_dataset()) == []


def test_without_recent_spend_and_without_a_total_it_is_said_that_there_will_be_no_plan() -> None:
    [said] = _said({}, _paused(28))
    assert said.startswith("there will be no budget plan: the last 28 days cost nothing")
    assert "set budget.total" in said


def test_without_recent_spend_a_total_is_planned_from_the_last_spend_and_that_is_said() -> None:
    dataset = _paused(30)
    total = float(dataset["spend"][2:30].sum())

    [said] = _said({"total": total}, dataset)

    assert "bounds are multiples of the 28 days up to 2025-04-01" in said
    with pytest.raises(SettingsError, match="above the sum of the upper bounds"):
        _said({"total": 3 * total}, dataset)
