"""Schemas of what the source becomes: accepted and refused rows, their totals, the daily matrices."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.markets import by_market
from mmm_pipeline.tables.parts import (
    AT_LEAST_0,
    CURRENCY_PER_PERIOD,
    DATA_ENGINEERS,
    DATE,
    FINITE,
    KPI,
    MARKETING,
    About,
    column,
    table,
)

__all__ = ["CAMPAIGN_TOTALS", "EXCLUDED_CHANNELS", "KPI_ROWS", "KPI_SERIES", "MARKET_MATRIX", "MEDIA_MATRIX"]
__all__ += ["MEDIA_ROWS", "REJECTED_ROWS"]

_LINE_NUMBER = column(
    "Int64",
    "line in the source, the first being line 1; in a workbook the row of its sheet; empty for a BigQuery table, which "
    "has no order",
    pa.Check.ge(1),
    nullable=True,
)

_KIND = column(
    str,
    "what is known of the channel: paid (media and spend), spend_only (its spend stands for its media) or organic "
    "(media without spend)",
    pa.Check.isin(["paid", "spend_only", "organic"]),
)

MEDIA_ROWS = table(
    "media_rows",
    "Media rows that passed the contract: typed, dates parsed, names trimmed; with the KPI that stands in them.",
    {
        "line_number": _LINE_NUMBER,
        "date": column(DATE, "day of the activity"),
        "channel": column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "kind": _KIND,
        "media_units": column(float, "media bought, e.g. impressions", AT_LEAST_0, FINITE, unit="media units"),
        "spend": column(float, "money spent", AT_LEAST_0, FINITE, unit="currency"),
        "kpi": column(
            float,
            "KPI credited to the row by the platform; empty where the KPI has a table of its own",
            FINITE,
            unit=KPI,
            nullable=True,
        ),
        "brand": column(str, "brand, when the source has one", nullable=True),
        "marketplace": column(str, "marketplace, when the source has one", nullable=True),
        "market": column(str, "market that the model keeps apart, when columns.market names one", nullable=True),
    },
    about=About(readers=DATA_ENGINEERS, question="Which media rows count?"),
)

KPI_ROWS = table(
    "kpi_rows",
    "KPI rows that passed the contract, where the KPI has a table of its own; empty where it stands in the media rows.",
    {
        "line_number": _LINE_NUMBER,
        "date": column(DATE, "day of the KPI"),
        "market": column(str, "market that the model keeps apart, when columns.market names one", nullable=True),
        "kpi": column(float, "KPI of the row; below 0: a refund", FINITE, unit=KPI),
        "is_timed": column(bool, "whether the date has a time of day, as orders have"),
    },
    about=About(readers=DATA_ENGINEERS, question="Which KPI rows count?"),
)

KPI_SERIES = table(
    "kpi_series",
    "The KPI that the model explains: one row per day, and per market where markets are kept apart.",
    {
        "date": column(DATE, "first day of the period"),
        "market": column(str, "market; empty where all are taken together", nullable=True),
        "kpi": column(float, "KPI of the day", AT_LEAST_0, FINITE, unit=KPI),
    },
    unique=["date", "market"],
    about=About(
        readers=DATA_ENGINEERS,
        question="What was sold, day by day?",
        lineage="""
        date = media_rows.date, kpi_rows.date
        market = media_rows.market, kpi_rows.market
        kpi = media_rows.kpi, kpi_rows.kpi
    """,
        is_reported=True,
    ),
)

REJECTED_ROWS = table(
    "rejected_rows",
    "Every refused row with the reason; nothing is dropped in silence.",
    {
        "table_name": column(str, "media or kpi: the table that the row is in", pa.Check.isin(["media", "kpi"])),
        "sheet": column(str, "sheet of the workbook that the row is in; empty for other sources", nullable=True),
        "line_number": _LINE_NUMBER,
        "reason": column(str, "why the row was refused"),
        "column": column(str, "the offending column, as the source spells it", nullable=True),
        "value": column(str, "the offending value", nullable=True),
        "row": column(str, "the whole row, as JSON text"),
    },
    about=About(
        readers=DATA_ENGINEERS,
        question="Which rows were left out, and what is wrong with each?",
        published_as="rejected_rows",
    ),
)

CAMPAIGN_TOTALS = table(
    "campaign_totals",
    "How many rows were accepted, per channel, brand and marketplace, and how many were refused, per reason.",
    {
        "table_name": column(str, "media or kpi: the table that the rows are in", pa.Check.isin(["media", "kpi"])),
        "reason": column(str, "why the rows were refused; empty: accepted", nullable=True),
        "channel": column(str, "name of the channel; empty for refused rows and those of the KPI", nullable=True),
        "brand": column(str, "brand, when the source has one", nullable=True),
        "marketplace": column(str, "marketplace, when the source has one", nullable=True),
        "row_count": column("int64", "rows", pa.Check.ge(1)),
        "media_units": column(float, "their media", AT_LEAST_0, unit="media units", nullable=True),
        "spend": column(float, "their spend", AT_LEAST_0, unit="currency", nullable=True),
        "kpi": column(float, "their KPI", unit=KPI, nullable=True),
    },
    about=About(
        readers=DATA_ENGINEERS,
        question="How much spend and how many sales are in the data, by channel, brand and marketplace?",
        lineage="""
        channel = media_rows.channel
        brand = media_rows.brand
        marketplace = media_rows.marketplace
        media_units = media_rows.media_units
        spend = media_rows.spend
        kpi = media_rows.kpi
        reason = rejected_rows.reason
        row_count = media_rows.line_number, rejected_rows.line_number
        table_name = rejected_rows.table_name
    """,
    ),
)

MEDIA_MATRIX = table(
    "media_matrix",
    "One row per period and channel on a dense calendar (a period without rows has zero media).",
    {
        "date": column(DATE, "first day of the period"),
        "channel": column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "kind": _KIND,
        "media_units": column(float, "media of the channel in the period", AT_LEAST_0, FINITE, unit="media units"),
        "spend": column(float, "spend of the channel in the period", AT_LEAST_0, FINITE, unit=CURRENCY_PER_PERIOD),
        "kpi": column(
            float,
            "KPI credited to the channel's rows by the platform; 0 where the KPI has a table of its own",
            FINITE,
            unit=KPI,
        ),
    },
    unique=["date", "channel"],
    about=About(
        readers=DATA_ENGINEERS,
        question="What was bought in each channel, and what was sold, period by period?",
        lineage="""
        date = media_rows.date
        channel = media_rows.channel
        media_units = media_rows.media_units
        spend = media_rows.spend
        kind = media_rows.kind
        kpi = media_rows.kpi
    """,
        is_reported=True,
    ),
)

MARKET_MATRIX = by_market(
    MEDIA_MATRIX,
    "market_matrix",
    "One row per period, market and channel on a dense calendar; empty unless columns.market names a column.",
    about=About(
        readers=DATA_ENGINEERS,
        question="The same for every market by itself.",
        lineage="""
        market = media_rows.market
        date = media_rows.date
        channel = media_rows.channel
        media_units = media_rows.media_units
        spend = media_rows.spend
        kind = media_rows.kind
        kpi = media_rows.kpi
    """,
    ),
)

EXCLUDED_CHANNELS = table(
    "excluded_channels",
    "Channels of the media matrix that the model leaves out, and why.",
    {
        "channel": column(str, "name of the channel"),
        "reason": column(str, "which rule it failed"),
        "reasons": column(str, "the same as JSON: code and values of every reason", nullable=True),
    },
    unique=["channel"],
    about=About(
        readers=MARKETING,
        question="About which channels can nothing be said, and why?",
        lineage="""
        channel = media_matrix.channel
        reason reasons = media_matrix.media_units, media_matrix.spend
    """,
        is_reported=True,
    ),
)
