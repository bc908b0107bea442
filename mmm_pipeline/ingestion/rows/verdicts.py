"""What can become of a row: accepted, refused for a reason, or no row at all."""

from __future__ import annotations

from mmm_pipeline.ingestion.sources.staging import LONGEST_FIELD

__all__ = [
    "BLANK",
    "COMPARED_ROLES",
    "DUPLICATE",
    "EQUAL_KPI",
    "FIRST_DAY",
    "LAST_DAY",
    "LATER",
    "LEFT_OUT",
    "NO_ROWS",
    "NUMBER_ROLES",
    "REASONS",
    "TOTAL_ROW",
]

NUMBER_ROLES = ("media", "spend", "kpi")
COMPARED_ROLES = ("spend", "kpi")
"""Amounts of which one is divided by the other."""
FIRST_DAY, LAST_DAY = "1990-01-01", "2100-12-31"

BLANK = "blank"
"""Verdict on a line without any value, which is no row: neither accepted nor refused."""

LATER = "later"
"""Verdict on a row dated after `until`, which is not there yet: neither accepted nor refused."""

LEFT_OUT = "left_out"
"""Verdict on a row that `validation.total_rows` names as a sum of others: neither accepted nor refused."""

NO_ROWS = (BLANK, LATER, LEFT_OUT)
"""Verdicts on lines that are neither accepted nor refused."""

DUPLICATE = "exact_duplicate"
EQUAL_KPI = "equal_kpi_rows"
"""Reason for rows of KPI only that equal an earlier one: the same row twice, or two orders that look the same."""

TOTAL_ROW = "total_row"
"""Reason for a row with a word for a total in the date's place: no day lacks what it has."""

REASONS: dict[str, str] = {
    "missing_date": "the date is blank",
    "unparseable_date": (
        "accepted are 2021-10-17, 20211017, 10/17/2021 or 17/10/2021 (the same order in the whole column: "
        "source.date_order), Nov 08, 2021, 8 Nov 2021, each with or without a time; weeks as 2021-W42 or 2021-10-18 - "
        "2021-10-24; months as 2021-10 or Oct 2021"
    ),
    TOTAL_ROW: "a total of other rows, as platforms add it at the end: it is no day, and would count twice",
    "implausible_date": f"accepted are days from {FIRST_DAY} to {LAST_DAY}",
    "missing_channel": "the channel is blank",
    "missing_market": "the market is blank",
    **{
        f"{kind}_{role}": hint
        for role in NUMBER_ROLES
        for kind, hint in (
            ("missing", "the number is blank; write 0 where nothing happened"),
            (
                "unparseable_number",
                "accepted are 1234.5, 1,234.50, $1,234 and EUR 5, or all numbers of the column with a decimal comma; "
                "source.decimal",
            ),
            ("non_finite", "infinite, not a number, or too large"),
            ("negative", "accepted are numbers of at least 0"),
        )
        if (kind, role) != ("negative", "kpi")
    },
    "missing_kpi": (
        "the KPI is blank: write 0 where nothing happened. Where one row of a day has the KPI of the whole day, write "
        "0 on the others of that day, or the KPI of the day on all of them with columns.kpi_per: date"
    ),
    DUPLICATE: "every column equals an earlier row; the first one is kept (validation.equal_rows)",
    EQUAL_KPI: "every column equals an earlier row, and there is KPI only: the same order twice, or two alike?",
    "too_few_fields": "the line has fewer fields than the header",
    "too_many_fields": "the line has more fields than the header",
    "malformed_quotes": 'a quoted field is not closed, goes on after its closing ", or is longer than any field may be',
    "field_too_long": f"accepted are fields of up to {LONGEST_FIELD:,} characters",
}
