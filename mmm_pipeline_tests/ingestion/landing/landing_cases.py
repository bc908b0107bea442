"""What landing promises, for every database: the tests of both import these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.landing.landing import CampaignTable, LandingSummary, land
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline_tests.ingestion.conftest import rows

HEADER = "Date,Brand,Ad group alias,Impressions,Spend,Sales,Clicks,Note"
WEEK_1 = (
    "2025-01-06,Apex,Search,10,1.5,20,1,a",
    "Jan 07 25,Apex,Search,10,1.5,20,1,a",
    '"Jan 07, 2025",Apex,Search,11,2.5,21,,a',
    "2025-01-07,,Video,12,3.5,22,3,",
    "2025-01-07,,Video,13,4.5,23,4,",
)
"""The second line is refused; the last two have the same key."""
WEEK_2 = ("2025-01-13,Apex,Search,14,5.5,24,5,a",)


@dataclass(frozen=True)
class Place:
    """A database to land in: its table, and a way to look at the rows."""

    table: CampaignTable
    read: Callable[[str], list[tuple[Any, ...]]]
    """SELECT list -> rows, sorted."""
    folder: Path

    def land(self, *lines: str, header: str = HEADER, key: Sequence[str] = (), decimal: str = "auto") -> LandingSummary:
        file = self.folder / "export.csv"
        file.write_text(rows(*lines, header=header), encoding="utf-8")
        landing = {"key": list(key), "decimal": decimal}
        settings = parse_settings({"validation": {"max_rejected_share": 0.5}, "landing": landing})
        return land(file, self.table, settings, scratch=self.folder)


def done(summary: LandingSummary) -> tuple[int, int, int]:
    return summary.inserted, summary.replaced, summary.removed


class LandingCases:
    """Subclassed per database, with a fixture `place`."""

    def test_weeks_sent_twice_and_corrected_are_neither_doubled_nor_lost(self, place: Place) -> None:
        first = place.land(*WEEK_1)
        assert done(first) == (4, 0, 0)
        assert first.refused == {"unparseable_date": 1}
        assert first.key == ("Date", "Brand", "Ad_group_alias", "Note")

        assert done(place.land(*WEEK_2)) == (1, 0, 0)
        assert done(place.land(*WEEK_1)) == (0, 4, 0)
        before = place.read("*")
        assert len(before) == 5

        corrected = WEEK_1[3].replace("3.5,22", "9.5,99")
        fewer = place.land(corrected, "2025-01-08,Apex,Search,1,1,1,1,a")
        assert done(fewer) == (1, 1, 1)
        spend = place.read("CAST(Date AS STRING), Ad_group_alias, Spend, Sales, Clicks")
        assert spend == [
            ("2025-01-06", "Search", 1.5, 20.0, 1.0),
            ("2025-01-07", "Search", 2.5, 21.0, None),
            ("2025-01-07", "Video", 9.5, 99.0, 3.0),
            ("2025-01-08", "Search", 1.0, 1.0, 1.0),
            ("2025-01-13", "Search", 5.5, 24.0, 5.0),
        ]

    def test_columns_that_changed_are_an_error_and_leave_the_table_alone(self, place: Place) -> None:
        place.land(*WEEK_2)
        before = place.read("*")

        with pytest.raises(CampaignDataError, match=r"'Device' is new.*ALTER TABLE"):
            place.land(WEEK_1[0] + ",x", header=HEADER + ",Device")
        with pytest.raises(CampaignDataError, match="'Note' is missing"):
            place.land(WEEK_1[0].rsplit(",", 1)[0], header=HEADER.removesuffix(",Note"))
        with pytest.raises(CampaignDataError, match=r"'Clicks' holds numbers.*line 3 has 'many'.*retyped"):
            place.land(WEEK_1[0], WEEK_2[0].replace("24,5", "24,many"))
        assert place.read("*") == before
