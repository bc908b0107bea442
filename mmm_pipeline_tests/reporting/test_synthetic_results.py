"""The made-up results are results: every table obeys its contract, and they agree with one another."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from mmm_pipeline.tables.catalog import CONTRACTS, violations
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, synthetic_results


@pytest.mark.parametrize("channels", [1, 40, HOSTILE_NAMES])
def test_every_table_obeys_its_contract(channels: int | tuple[str, ...]) -> None:
    results = synthetic_results(channels)
    for field in dataclasses.fields(results):
        table = getattr(results, field.name)
        if isinstance(table, pd.DataFrame):
            assert field.name in CONTRACTS
            assert violations(field.name, table).empty, field.name


def test_the_plan_meets_its_budget_and_its_bounds() -> None:
    plan = synthetic_results(20).budget_plan
    assert plan["optimal_spend"].sum() == pytest.approx(plan["current_spend"].sum())
    assert (plan["optimal_spend"] <= plan["high"] * (1 + 1e-9)).all()
    assert (plan["optimal_spend"] >= plan["low"] * (1 - 1e-9)).all()
