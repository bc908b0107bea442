"""Why a spec cannot win or a channel is left out: as a code with values, so that every language can tell it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["REASONS", "Reason", "read_reasons", "stored_reasons", "told_reasons"]

REASONS: Mapping[str, str] = {
    "rhat_above": "R-hat above {limit}: {parameters}",
    "rhat_above_more": "R-hat above {limit}: {parameters} and {more} more",
    "bulk_ess_below": "bulk effective sample size below {limit}: {parameters}",
    "bulk_ess_below_more": "bulk effective sample size below {limit}: {parameters} and {more} more",
    "tail_ess_below": "tail effective sample size below {limit}: {parameters}",
    "tail_ess_below_more": "tail effective sample size below {limit}: {parameters} and {more} more",
    "divergences": "{divergences} of {draws} draws diverged, above the accepted share of {share}",
    "zero_periods": "MAPE leaves out {periods} holdout period(s) whose KPI is zero",
    "failed": "{error}",
    "missing": "{error}",
    "stale": "fitted on other inputs or settings: materialize the partition again",
    "excluded": "named in channels.exclude",
    "no_media_and_no_spend": "no media and no spend in the {periods} {unit} before the holdout",
    "no_media": "no media in the {periods} {unit} before the holdout",
    "no_spend": "no spend in the {periods} {unit} before the holdout",
    "few_active_periods": "active in {active_periods} of the {periods} {unit} before the holdout, fewer than "
    "channels.min_active_periods = {least}",
    "little_spend": "spend of {spend} in the {periods} {unit} before the holdout, not above channels.min_spend = "
    "{least}",
    "other": "{text}",
}
"""Code -> the English sentence; those of other languages are phrases `reason.<code>`."""


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        code: one of `REASONS`.
        values: what its sentence mentions, as it is written in every language.
        before: first day of the forecast window whose fit it is about; empty: the fitted model itself.
    """

    code: str
    values: Mapping[str, str] = field(default_factory=dict)
    before: str = ""

    def __str__(self) -> str:
        told = REASONS[self.code].format(**self.values)
        return f"fit before {self.before}: {told}" if self.before else told


def told_reasons(reasons: Iterable[Reason]) -> str:
    """The reasons in English, as one text."""
    return "; ".join(map(str, reasons))


def stored_reasons(reasons: Iterable[Reason]) -> str:
    """The reasons as JSON, for a column of a table."""
    return json.dumps(
        [{"code": each.code, "values": dict(each.values), "before": each.before} for each in reasons],
        ensure_ascii=False,
    )


def read_reasons(stored: object) -> tuple[Reason, ...]:
    """The reasons of `stored_reasons`; none where the column is empty."""
    if not isinstance(stored, str) or not stored:
        return ()
    return tuple(Reason(str(each["code"]), each["values"], str(each["before"])) for each in json.loads(stored))
