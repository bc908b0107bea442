"""What the template of the model's advice mentions, and how suggested changes are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmm_pipeline.reporting.advice.changes import written_value
from mmm_pipeline.reporting.advice.proposals import Proposal
from mmm_pipeline.reporting.advice.rules import CLOSE_CALL
from mmm_pipeline.reporting.findings.findings import FAIR_COVERAGE, ChannelFinding, Findings
from mmm_pipeline.reporting.results.tables import Language, ResultTables, records
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.markdown import Markdown
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.remarks import remarks
from mmm_pipeline.reporting.text.wording import Wording

__all__ = ["advice_values", "error_words", "proposal_values", "spec_words"]

_SECOND = 2  # place on the leaderboard
_TESTS_NAMED = 3
_WORTH_A_TEST = 0.01  # share of the spend
_WIDE = 3.0  # upper over lower end of the interval of a return
_LIMITS = frozenset(
    {
        "short_window",
        "one_season",
        "few_periods_per_parameter",
        "level_shift",
        "moves_together",
        "predictable_from_others",
        "nearly_constant",
    }
)
"""Findings of the data profile that no choice of model can mend."""


def advice_values(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> dict[str, Any]:
    """Everything that `model_advice.md.j2` needs beyond the other narratives."""
    champion = found.champion
    others = [row for row in records(tables.leaderboard) if row["status"] == "converged" and not row["is_champion"]]
    error = tables.settings.ranking.error
    second = next((row for row in others if row["rank"] == _SECOND), None)
    lead = min((float(row[error]) for row in others), default=math.inf) / float(champion[error]) - 1
    limits = {"findings": [each for each in tables.eda_profile.get("findings", ()) if each["code"] in _LIMITS]}
    return {
        "runner_up": {"words": spec_words(words, second), "error": error_words(tables, write, second)}
        if second
        else None,
        "only_spec": len(tables.leaderboard) == 1,
        "close_call": lead < CLOSE_CALL,
        "limits": tables.settings.convergence,
        "overconfident": float(champion["coverage_90"]) < FAIR_COVERAGE,
        "limits_of_data": [remark.text for remark in remarks(limits, words, write)],
        "to_test": sorted(_uncertain(found), key=lambda channel: -_stake(channel))[:_TESTS_NAMED],
    }


def proposal_values(proposals: Sequence[Proposal], language: Language) -> dict[str, Any]:
    """The suggested changes as a template shows them."""
    return {
        "proposals": [
            {
                "setting": command(proposal.change.setting),
                "about": proposal.about,
                "value": written_value(proposal.change),
                "why": clean(proposal.reason(language), limit=900),
            }
            for proposal in proposals
        ],
        "command": command,
    }


def spec_words(words: Wording, row: Mapping[str, Any]) -> str:
    """A leaderboard row's spec in words."""
    adstock = str(row["adstock"])
    return words("chart_text.spec", adstock=words.get(f"adstock.{adstock}", clean(adstock)), degrees=row["degrees"])


def error_words(tables: ResultTables, write: Formatter, row: Mapping[str, Any]) -> str:
    """The error that ranks, as a reader writes it."""
    name = tables.settings.ranking.error
    return write.percent(row[name], 1) if name in ("mape", "wape") else write.compact(row[name])


def command(text: str) -> Markdown:
    """Text of ours, shown as code."""
    return Markdown(f"`{text}`")


def _uncertain(found: Findings) -> list[ChannelFinding]:
    """Channels of some weight that may or may not pay."""
    least = _WORTH_A_TEST * sum(float(channel.row["spend"]) for channel in found.channels)
    return [channel for channel in found.channels if _is_open(channel) and float(channel.row["spend"]) > least]


def _is_open(channel: ChannelFinding) -> bool:
    low, high = (float(channel.row[end]) for end in ("roi_low", "roi_high"))
    wide = channel.evidence == "measured" and not high <= _WIDE * low
    return wide or channel.evidence in ("no_evidence", "unclear", "implausible")


def _stake(channel: ChannelFinding) -> float:
    """KPI that hangs on the answer: how much the channel's contribution may differ."""
    width = float(channel.row["contribution_high"]) - float(channel.row["contribution_low"])
    return width if math.isfinite(width) else 0.0
