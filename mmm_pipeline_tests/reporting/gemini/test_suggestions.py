"""Changes of settings that Gemini suggests: valid ones join the patch, others cost it the narrative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mmm_pipeline.reporting.gemini.writer import GeminiWriter
from mmm_pipeline.reporting.narratives.writing import write_narrative
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline_tests.reporting.gemini.stand_in import Asked, StandIn, honest
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

Maker = Callable[..., GeminiWriter]
WHY = {"text": "It deserves a closer look.", "figures": []}


def _suggesting(*suggestions: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        made = honest(body)
        if "proposals" in made:
            first = next(iter(Asked(body).tables["attribution"]))
            given = [
                {**each, "channel": first if each["channel"] == "FIRST" else each["channel"]} for each in suggestions
            ]
            made["proposals"] = [{"why": WHY, **each} for each in given]
        return made

    return answer


@pytest.mark.parametrize("codes", [False, True], ids=["names", "codes"])
def test_what_is_valid_joins_the_patch_under_the_name_in_the_data(codes: bool, writer: Maker, server: StandIn) -> None:
    tables = synthetic_results(4, settings={"report": {"languages": ["en", "ko"]}, "gemini": {"channel_codes": codes}})
    server.answer = _suggesting(
        {"setting": "budget.bounds", "channel": "FIRST", "numbers": [0.9, 1.1]},
        {"setting": "split.holdout", "channel": None, "numbers": [35]},
    )
    written = write_narrative("model_advice", tables, writer(), lambda *_: ())
    assert [narrative.receipt.source for narrative in written.values()] == ["gemini", "gemini"]
    by_gemini = [proposal for proposal in written["ko"].proposals if proposal.author == "gemini"]
    assert [proposal.change.setting for proposal in by_gemini] == ["budget.bounds", "split.holdout"]
    assert by_gemini[0].change.channel in tables.attribution["channel"].tolist()
    assert by_gemini[0].why == {"en": WHY["text"]}
    assert all("split.holdout\\_days" in n.markdown or "split.holdout" in n.markdown for n in written.values())
    assert "CH-" not in written["en"].markdown


@pytest.mark.parametrize(
    "suggestion",
    [
        {"setting": "channels.exclude", "channel": "Somebody else's", "numbers": []},
        {"setting": "split.holdout", "channel": None, "numbers": [100_000]},
        {"setting": "source.path", "channel": None, "numbers": [1]},
        {
            "setting": "split.holdout",
            "channel": None,
            "numbers": [35],
            "why": {"text": "87% say so.", "figures": []},
        },
    ],
    ids=["unknown channel", "beyond its limits", "not changeable", "a wrong reason"],
)
def test_what_is_not_allowed_costs_it_the_narrative(
    suggestion: dict[str, Any], tables: ResultTables, writer: Maker, server: StandIn
) -> None:
    server.answer = _suggesting(suggestion)
    written = write_narrative("model_advice", tables, writer(), lambda *_: ())["en"]
    assert written.receipt.source == "template"
    assert written.receipt.problems
    assert {proposal.author for proposal in written.proposals} == {"rule"}
