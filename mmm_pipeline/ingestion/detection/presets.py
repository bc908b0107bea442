"""Exports of advertising platforms, known by their headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmm_pipeline.ingestion.sources.headers import normalised

__all__ = ["PRESETS", "Preset", "preset_of"]


@dataclass(frozen=True)
class Preset:
    """A kind of export.

    Attributes:
        name: of the platform, for people.
        columns: role -> headers it has there, the usual one first.
        credited: headers of results that the platform credits to its ads: they are not the sales of the company.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    credited: tuple[str, ...] = ()

    def found_in(self, headers: Iterable[str]) -> dict[str, str] | None:
        """Role -> header as the table spells it; None where it is another table."""
        there = {normalised(header): header for header in headers}
        found = {}
        for role, names in self.columns.items():
            header = next((there[normalised(name)] for name in names if normalised(name) in there), None)
            if header is None:
                return None
            found[role] = header
        return found


PRESETS = (
    Preset(
        "Google Ads",
        {
            "date": ("Day", "Week", "Month"),
            "channel": ("Campaign",),
            "media": ("Impr.",),
            "spend": ("Cost",),
        },
        ("Conv. value", "Conversions", "All conv. value"),
    ),
    Preset(
        "Meta Ads",
        {
            "date": ("Day", "Week", "Month", "Reporting starts"),
            "channel": ("Campaign name", "Ad set name"),
            "media": ("Impressions",),
            "spend": tuple(
                f"Amount spent ({code})" for code in ("USD", "EUR", "GBP", "KRW", "JPY", "CAD", "AUD", "CHF")
            ),
        },
        ("Purchases conversion value", "Website purchases conversion value", "Results"),
    ),
    Preset(
        "TikTok Ads",
        {
            "date": ("By Day", "By Week", "Date"),
            "channel": ("Campaign name",),
            "media": ("Impressions", "Impression"),
            "spend": ("Cost", "Total cost"),
        },
        ("Conversions", "Total complete payment value"),
    ),
    Preset(
        "Amazon Ads",
        {
            "date": ("Date", "Start Date"),
            "channel": ("Campaign Name", "Portfolio name"),
            "media": ("Impressions",),
            "spend": ("Spend",),
        },
        ("7 Day Total Sales", "14 Day Total Sales", "7 Day Total Sales ($)", "14 Day Total Sales ($)", "Sales"),
    ),
    Preset(
        "Microsoft Advertising",
        {
            "date": ("Gregorian date", "Time period", "TimePeriod", "Day", "Week"),
            "channel": ("Campaign name", "CampaignName", "Campaign"),
            "media": ("Impressions",),
            "spend": ("Spend",),
        },
        ("Revenue", "Conversions"),
    ),
)
"""In the order in which they are tried; a table is the first one of which it has all columns."""


def preset_of(headers: Iterable[str]) -> tuple[Preset, dict[str, str]] | None:
    """The export that a table is, and its columns by role; None where it is none that is known."""
    names = list(headers)
    for preset in PRESETS:
        found = preset.found_in(names)
        if found is not None:
            return preset, found
    return None
