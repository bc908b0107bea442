"""Whether a KPI is money is read from its name and its size, and in doubt it is not."""

from __future__ import annotations

import pytest

from mmm_pipeline.settings.kpi import read_kpi


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Sales", "money"),
        ("net_sales", "money"),
        ("Revenue", "money"),
        ("OrderValue", "money"),
        ("purchase amount", "money"),
        ("매출", "money"),
        ("Orders", "count"),
        ("Unit sales", "count"),
        ("UnitsSold", "count"),
        ("new_customers", "count"),
        ("conversions", "count"),
        ("주문수", "count"),
    ],
)
def test_a_name_that_is_clear_needs_no_setting(name: str, kind: str) -> None:
    reading = read_kpi(name, "auto", 300_000.0, 100_000.0)

    assert (reading.kind, reading.doubt) == (kind, "")


@pytest.mark.parametrize(
    ("name", "kpi", "spend", "said"),
    [
        ("y", 300_000.0, 100_000.0, "cannot be told from its name"),
        ("Sales", 0.06, 18_000.0, "too far apart"),  # in millions
        ("Sales", 300_000.0, 0.0053, "too far apart"),  # the spend is
    ],
)
def test_a_kpi_in_doubt_is_a_count_and_the_setting_is_asked_for(name: str, kpi: float, spend: float, said: str) -> None:
    reading = read_kpi(name, "auto", kpi, spend)

    assert reading.kind == "count"
    assert said in reading.doubt
    assert "kpi.kind" in reading.doubt


@pytest.mark.parametrize("kind", ["money", "count"])
def test_the_setting_is_believed(kind: str) -> None:
    assert read_kpi("Sales", kind, 1.0, 1e9).kind == kind  # type: ignore[arg-type]
    assert read_kpi("Orders", kind, 1.0, 1e9).doubt == ""  # type: ignore[arg-type]
