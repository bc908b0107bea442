"""Amounts of one column are in one currency, or the source is refused with a cell of each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline_tests.ingestion.conftest import Load, rows


def spend(*cells: str) -> str:
    """A file with these cells of spend, of one day each."""
    return rows(*(f'2025-01-{day:02},A,1,"{cell}",1' for day, cell in enumerate(cells, 1)))


@pytest.mark.parametrize("decimal", ["auto", "point"])
def test_two_currencies_in_a_column_are_refused_with_a_cell_of_each(load: Load, tmp_path: Path, decimal: str) -> None:
    with pytest.raises(CampaignDataError) as failure:
        load(spend("1", "$5", "$6.50", "€5"), decimal=decimal)

    assert str(failure.value).splitlines() == [
        f"{tmp_path / 'campaigns.csv'}: amounts of one column are in different currencies, and would be added up:",
        "  'Spend' has '$5' (line 3) and '€5' (line 5)",
        "  Convert them to one currency. If they are in one already, remove the signs from the cells",
    ]


@pytest.mark.parametrize(
    "cells",
    [("$5", "CAD 5", "USD 5"), ("5 kr", "SEK 5", "5 NOK"), ("US$5", "A$5"), ("(5 €)", "5 CHF"), ("¥5", "5 원")],
)
def test_a_sign_that_fits_several_currencies_does_not_join_them(load: Load, cells: tuple[str, ...]) -> None:
    with pytest.raises(CampaignDataError, match="different currencies"):
        load(spend(*cells))


@pytest.mark.parametrize(
    "cells",
    [("$5", "US$ 5", "5 USD", "5"), ("€5", "EUR 5", "5 €"), ("5 kr", "NOK 5"), ("₩5", "5원", "KRW 5"), ("¥5", "5元")],
)
def test_spellings_of_one_currency_are_added_up(load: Load, cells: tuple[str, ...]) -> None:
    assert load(spend(*cells)).accepted["spend"].tolist() == [5] * len(cells)


def test_a_kpi_in_another_currency_than_spend_is_refused_with_a_cell_of_each(load: Load, tmp_path: Path) -> None:
    with pytest.raises(CampaignDataError) as failure:
        load(rows("2025-01-01,A,1,5,7", "2025-01-02,A,1,$5,€7"))

    assert str(failure.value).splitlines() == [
        f"{tmp_path / 'campaigns.csv'}: columns that are divided by each other are in different currencies:",
        "  'Spend' has '$5' (line 3)",
        "  'Sales' has '€7' (line 3)",
        "  Convert them to one currency. If they are in one already, remove the signs from the cells",
    ]


def test_a_kpi_in_the_currency_of_spend_or_without_a_sign_is_read(load: Load) -> None:
    loaded = load(rows("2025-01-01,A,1,$5,USD 7", "2025-01-02,A,1,$6,8"))

    assert loaded.accepted[["spend", "kpi"]].to_numpy().tolist() == [[5, 7], [6, 8]]


def test_words_with_a_sign_are_refused_rows_and_no_currency(load: Load) -> None:
    loaded = load(spend("$5", "5 € or so"))

    assert loaded.summary.reasons == {"unparseable_number_spend": 1}


def test_cells_of_a_workbook_are_looked_at_too(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    days = ["2025-01-01", "2025-01-02", "2025-01-03"]
    columns = {"Date": days, "Ad group alias": "A", "Impressions": 1, "Spend": ["$5", 5.5, "€5"], "Sales": 1}
    pd.DataFrame(columns).to_excel(path, index=False)

    with pytest.raises(CampaignDataError, match=r"'Spend' has '\$5' \(row 2 of .*\) and '€5' \(row 4 of "):
        load(path)
