"""Sheets of one workbook that tell of the same days and channels: parts of one table, or one is a copy or a summary?"""

from __future__ import annotations

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.staging import StagedTable, Staging
from mmm_pipeline.ingestion.sources.workbooks.sheets import listed

__all__ = ["require_no_overlap"]


def require_no_overlap(staging: Staging, read: StagedTable, setting: str) -> None:
    """Refuse sheets that were found, not named, and can be read in two ways. Reads the table `judged`.

    Args:
        staging: with judged rows.
        read: what was staged.
        setting: the one that names the sheets.

    Raises:
        CampaignDataError: naming two such rows, and what either reading adds up to.
    """
    if len(read.sheets) < 2 or not read.chose_sheets:
        return
    shared = f"""SELECT date, channel, MIN(line_number), MAX(line_number) FROM judged WHERE reason IS NULL
        GROUP BY date, channel, brand, marketplace, market
        HAVING COUNT(DISTINCT line_number // {staging.sheet_stride}) > 1 ORDER BY 1, 2 LIMIT 1"""
    for date, channel, first, last in staging.connection.execute(shared).fetchall():
        sums = """SELECT sheet_of(MIN(line_number)), COUNT(*), SUM(spend), SUM(kpi) FROM judged
            WHERE reason IS NULL
            GROUP BY sheet_of(line_number) ORDER BY MIN(line_number)"""
        lines = [
            f"  '{sheet}' alone: {rows:,} rows, spend {spend:,.2f}, KPI {kpi:,.2f}"
            for sheet, rows, spend, kpi in staging.connection.execute(sums).fetchall()
        ]
        total = "SELECT COUNT(*), SUM(spend), SUM(kpi) FROM judged WHERE reason IS NULL"
        [(rows, spend, kpi)] = staging.connection.execute(total).fetchall()
        raise CampaignDataError(
            "\n".join(
                [
                    f"{read.where}: these sheets have the same header, and rows of the same day and "
                    f"channel ({date}, {channel!r}: {staging.place(first)}, {staging.place(last)}): are they parts "
                    "that add up, or is one a copy or a summary?",
                    *lines,
                    f"  all together: {rows:,} rows, spend {spend:,.2f}, KPI {kpi:,.2f}",
                    f"  Name the sheet to read in {setting}, or all that add up, e.g. "
                    f"{setting.split('.')[0]}: {{{setting.split('.')[1]}: [{listed(read.sheets[:2])}]}}",
                ]
            )
        )
