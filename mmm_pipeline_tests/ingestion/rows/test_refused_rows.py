"""What refused rows take away is said; a day's KPI is never incomplete in silence; equal rows are read one way only."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.ingestion.conftest import Load, rows

STRICT = {"incomplete_kpi": "error"}
DAY = "2025-01-01,A,10,1.5,20"
ORDER = "2025-01-01,Shop,0,0,45"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2025-01-02,B,1,1,", "2025-01-02 (line 4, missing_kpi)"),
        ("2025-01-02,B,1,1,n/a", "2025-01-02 (line 4, missing_kpi). Sales = 'n/a'"),
        ("2025-01-02,B,1,1,inf", "2025-01-02 (line 4, non_finite_kpi)"),
        ("2025-01-02,,1,1,30", "2025-01-02 (line 4, missing_channel)"),
    ],
)
def test_a_day_whose_kpi_lacks_a_refused_row_is_an_error_that_names_it(
    load: Load, warehouse: DuckDBWarehouse, line: str, told: str
) -> None:
    with pytest.raises(CampaignDataError) as failure:
        load(rows(DAY, "2025-01-02,A,10,1.5,20", line), share=0.4, validation=STRICT)

    message = str(failure.value)
    assert "the KPI of 1 day(s) is incomplete, because rows of theirs were refused" in message
    assert told in message
    assert "set validation.incomplete_kpi: accept" in message
    assert warehouse.row_count("rejected_rows") == 1
    assert not warehouse.has_table("media_rows")


def test_accepted_incomplete_days_count_with_what_is_left_and_are_named(load: Load) -> None:
    loaded = load(rows(DAY, "2025-01-01,B,1,1,?"), validation={"incomplete_kpi": "accept"})

    assert loaded.accepted["kpi"].tolist() == [20.0]
    assert "the KPI of 1 day(s) is incomplete" in loaded.summary.warnings[0]
    assert (
        "2025-01-01 (line 3, unparseable_number_kpi); what is left of these days counts" in loaded.summary.warnings[0]
    )


def test_refunds_are_taken_off_their_day_and_said(load: Load) -> None:
    loaded = load(rows(DAY, "2025-01-01,B,1,1,-5"), validation=STRICT)

    assert loaded.accepted["kpi"].tolist() == [20.0, -5.0]
    assert loaded.summary.notes == ("1 row(s) have a KPI below 0, as refunds have; it is taken off their day",)


def test_a_refused_row_with_a_small_part_of_the_days_kpi_is_a_warning_with_its_amounts(load: Load) -> None:
    loaded = load(rows("2025-01-01,A,10,1.5,99", "2025-01-01,B,-1,2.5,1"), share=0.5, validation=STRICT)

    assert loaded.summary.warnings == (
        "1 refused row(s) on 1 day(s) would have added a KPI of 1.00 and spend of 2.50, most of the KPI on 2025-01-01 "
        "(1.00): see rejected_rows",
    )


def test_the_limit_is_the_largest_rejected_share(load: Load) -> None:
    good = ["2025-01-01,A,10,1.5,50", "2025-01-01,B,10,1.5,45"]
    lost = "2025-01-01,C,-1,1,{}"
    more = [f"2025-01-02,A,{media},1,1" for media in range(30)]

    assert load(rows(*good, *more, lost.format(5)), share=0.05, validation=STRICT).summary.rejected == 1
    with pytest.raises(CampaignDataError, match="the KPI of 1 day"):
        load(rows(*good, *more, lost.format(6)), share=0.05, validation=STRICT)


def test_every_market_is_judged_by_itself(load: Load) -> None:
    header = "Date,Ad group alias,Impressions,Spend,Sales,Region"
    lines = ["2025-01-01,A,10,1,1000,North", "2025-01-01,A,10,1,10,South", "2025-01-01,B,-1,1,10,South"]

    with pytest.raises(CampaignDataError, match=r"2025-01-01 in 'South' \(line 4, negative_media\)"):
        load(rows(*lines, header=header), share=0.4, validation=STRICT, columns={"market": "Region"})
    assert load(rows(*lines, header=header), share=0.4, validation=STRICT).summary.rejected == 1


def test_refused_rows_without_a_day_are_counted(load: Load) -> None:
    loaded = load(rows(DAY, "never,A,1,1,1", ",A,1,1,1", "2025-01-01,A"), validation=STRICT)

    [warning] = loaded.summary.warnings
    assert "3 refused row(s) belong to days that cannot be told" in warning
    assert "unparseable_date: 1" in warning


def test_equal_rows_of_zeros_are_all_accepted(load: Load) -> None:
    zero = "2025-01-01,A,0,0,0.00"
    loaded = load(rows(DAY, zero, zero, zero), validation=STRICT)

    assert (loaded.summary.accepted, loaded.summary.rejected, loaded.summary.warnings) == (4, 0, ())


def test_equal_rows_of_media_count_once_with_a_warning(load: Load) -> None:
    loaded = load(rows(DAY, DAY, DAY), validation=STRICT)

    assert loaded.accepted["kpi"].tolist() == [20.0]
    [warning] = loaded.summary.warnings
    assert "2 row(s) on 1 day(s) equal another row in every column and count once" in warning
    assert "spend of 3.00 and KPI of 40.00 are not added" in warning
    assert "validation.equal_rows: each" in warning


def test_equal_orders_are_refused_until_a_setting_says_what_they_are(load: Load) -> None:
    with pytest.raises(CampaignDataError) as failure:
        load(rows(DAY, ORDER, ORDER))

    message = str(failure.value)
    assert "1 row(s) equal another row in every column and have a KPI but no media and no spend" in message
    assert "(first: line 4 equals line 3)" in message
    assert "validation.equal_rows: each" in message
    assert "validation.equal_rows: once" in message


@pytest.mark.parametrize(("setting", "kpi", "refused"), [("each", 20 + 3 * 45, 0), ("once", 20 + 45, 2)])
def test_both_readings_of_equal_orders(load: Load, setting: str, kpi: float, refused: int) -> None:
    loaded = load(rows(DAY, ORDER, ORDER, ORDER), validation={"equal_rows": setting})

    assert loaded.accepted["kpi"].sum() == kpi
    assert loaded.summary.reasons == ({"exact_duplicate": refused} if refused else {})


def test_equal_rows_of_media_that_are_events_all_count(load: Load) -> None:
    assert load(rows(DAY, DAY), validation={"equal_rows": "each"}).accepted["spend"].sum() == 3.0


def test_a_kpi_per_day_counts_once(load: Load, warehouse: DuckDBWarehouse) -> None:
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2025-01-01", periods=60)]
    lines = [f"{day},{channel},1,1,{100 + at}" for at, day in enumerate(days) for channel in "ABC"]
    loaded = load(rows(*lines), columns={"kpi_per": "date"})
    matrix = build_media_matrix(warehouse, parse_settings({"columns": {"kpi_per": "date"}}))

    by_day = matrix.groupby("date")["kpi"].sum()
    assert by_day.tolist() == pytest.approx([100.0 + at for at in range(60)], rel=1e-12)
    assert loaded.accepted["spend"].sum() == 180
    assert warehouse.read_table("campaign_totals")["kpi"].sum() == pytest.approx(sum(range(100, 160)))


def test_a_kpi_per_day_and_market_counts_once_in_each(load: Load) -> None:
    header = "Date,Ad group alias,Impressions,Spend,Sales,Region"
    lines = ["2025-01-01,A,1,1,90,North", "2025-01-01,B,1,1,90,North", "2025-01-01,A,1,1,10,South"]
    loaded = load(rows(*lines, header=header), columns={"kpi_per": "date", "market": "Region"})

    assert loaded.accepted.groupby("market")["kpi"].sum().to_dict() == {"North": 90.0, "South": 10.0}


def test_rows_that_contradict_a_kpi_per_day_are_refused(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"on 2025-01-01 they have from 20 to 21 \(1 such day"):
        load(rows(DAY, "2025-01-01,B,1,1,21", "2025-01-02,B,1,1,21"), columns={"kpi_per": "date"})


def test_total_rows_are_left_out_by_name_in_any_column(load: Load) -> None:
    header = "Date,Ad group alias,Impressions,Spend,Sales,SKU"
    lines = [f"{DAY},one", "2025-01-01,Ｔotal\u00a0,10,1.5,20,all", "2025-01-01,B,1,1,1,all", "Total:,,,,,"]
    chosen = {"total_rows": {"ad_group alias": ["Total"], "sku": ["all"], "Date": ["Total:"]}}
    loaded = load(rows(*lines, header=header), validation=chosen)

    assert loaded.accepted["channel"].tolist() == ["A"]
    assert loaded.rejected.empty
    assert loaded.summary.warnings[0].startswith("3 row(s) are left out as totals of other rows")


def test_a_source_of_which_nothing_is_left_but_totals_says_so(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"no row is left: validation\.total_rows leaves out 1 as totals"):
        load(rows(DAY), validation={"total_rows": {"Ad group alias": ["A"]}})


def test_a_refused_total_line_takes_nothing_away(load: Load) -> None:
    loaded = load(rows(DAY, "Total,,10,1.5,20"), share=0.5)

    assert (loaded.summary.reasons, loaded.summary.warnings) == ({"total_row": 1}, ())


def test_a_blank_kpi_is_explained_where_one_row_has_that_of_the_whole_day(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"write 0 on the others of that day, or .* with columns.kpi_per: date"):
        load(rows(DAY, "2025-01-01,B,1,1,"), share=0.1)


def test_a_day_is_named_by_the_sheet_and_row_that_make_it_incomplete(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    with pd.ExcelWriter(path) as book:
        for month, kpi in (("Jan", [20, 20]), ("Feb", [20, "n/a"])):
            days = [f"2025-0{1 if month == 'Jan' else 2}-0{day}" for day in (1, 2)]
            part = {"Date": days, "Ad group alias": "A", "Impressions": 10, "Spend": 1.5, "Sales": kpi}
            pd.DataFrame(part).to_excel(book, sheet_name=month, index=False)

    with pytest.raises(CampaignDataError, match=r"2025-02-02 \(row 3 of sheet 'Feb', missing_kpi\)"):
        load(path, validation=STRICT)


def test_a_total_that_no_row_has_is_said(load: Load) -> None:
    loaded = load(rows(DAY), validation={"total_rows": {"Ad group alias": ["Totl"]}})

    assert "no row has a name that validation.total_rows lists (Ad group alias: Totl)" in loaded.summary.warnings[0]


def test_a_column_of_totals_that_is_not_there_is_an_error(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"validation\.total_rows names the column 'Product'"):
        load(rows(DAY), validation={"total_rows": {"Product": ["All"]}})


def test_a_product_that_is_the_total_of_the_others_is_refused(load: Load) -> None:
    header = "Date,Ad group alias,Impressions,Spend,Sales,Product,Note"
    lines = [
        f"2025-01-0{day},{channel},{media},{media / 8},{media * 3},{product},"
        for day in (1, 2)
        for channel in "AB"
        for product, media in (("pen", 8 * day), ("ink", 16), ("All products", 16 + 8 * day))
    ]

    with pytest.raises(CampaignDataError) as failure:
        load(rows(*lines, header=header))

    message = str(failure.value)
    assert "the 4 row(s) with Product = 'All products' have as much as all others together" in message
    assert "(media 112.00, spend 14.00, KPI 336.00)" in message
    assert "validation.total_rows: {Product: [All products]}" in message
    left = load(rows(*lines, header=header), validation={"total_rows": {"Product": ["All products"]}})
    assert left.accepted["kpi"].sum() == 336


def test_two_products_of_equal_size_are_no_total(load: Load) -> None:
    header = "Date,Ad group alias,Impressions,Spend,Sales,Product"
    loaded = load(rows("2025-01-01,A,8,1,3,pen", "2025-01-01,A,8,1,3,ink", header=header))

    assert loaded.summary.accepted == 2


def test_a_marketplace_that_is_the_total_of_the_others_is_refused(load: Load) -> None:
    header = "Date,Ad group alias,Impressions,Spend,Sales,Marketplace"
    lines = ["2025-01-01,A,10,1.25,30,Ebay", "2025-01-01,A,5,1.5,12,Walmart", "2025-01-01,A,15,2.75,42,All"]

    with pytest.raises(CampaignDataError) as failure:
        load(rows(*lines, header=header))

    message = str(failure.value)
    assert "marketplace 'All' has as much as all other 2 marketplaces together" in message
    assert "(media 15.00, spend 2.75, KPI 42.00)" in message
    assert "validation.total_rows: {Marketplace: [All]}" in message
    left = load(rows(*lines, header=header), validation={"total_rows": {"Marketplace": ["All"]}})
    assert left.accepted["kpi"].sum() == 42
