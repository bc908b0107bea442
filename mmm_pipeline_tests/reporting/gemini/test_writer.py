"""Gemini over real HTTP: whatever happens, the right report comes out, with the right reason, in bounded time."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from mmm_pipeline.reporting.gemini.client import Limits
from mmm_pipeline.reporting.gemini.writer import GeminiWriter
from mmm_pipeline.reporting.narratives.writing import Narrative, write_narrative
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline_tests.reporting.gemini.conftest import HASTY, PATIENT
from mmm_pipeline_tests.reporting.gemini.stand_in import Fault, StandIn, honest
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

Maker = Callable[..., GeminiWriter]


def _write(tables: ResultTables, writer: GeminiWriter, name: str = "budget_report") -> Narrative:
    return write_narrative(name, tables, writer, lambda *_: ())["en"]


@pytest.mark.parametrize("name", ["eda_report", "chart_report", "budget_report", "model_advice"])
def test_a_true_answer_becomes_the_narrative(name: str, tables: ResultTables, writer: Maker, server: StandIn) -> None:
    narrative = _write(tables, writer(), name)
    assert narrative.receipt.source == "gemini", narrative.receipt
    assert narrative.markdown.splitlines()[0].startswith("*Written by Gemini (gemini-3.8-flash-001)")
    assert "media brought" in narrative.markdown
    receipt = narrative.receipt
    assert (receipt.tokens, receipt.prompt_tokens, receipt.output_tokens) == (1000, 900, 80)
    assert (receipt.finish_reason, receipt.questions, receipt.calls, receipt.was_kept) == ("STOP", 1, 1, False)
    assert len(receipt.prompt_sha256) == 64
    assert server.requests[-1]["store"] is False
    assert "tools" not in server.requests[-1]


@pytest.mark.parametrize(
    ("faults", "code", "calls"),
    [
        ([Fault(status=503)] * 9, "overloaded", 3),
        ([Fault(status=429)] * 9, "quota", 3),
        ([Fault(status=429, retry_delay="60s")], "quota", 1),  # longer than the deadline: no use in waiting
        ([Fault(status=400)], "refused", 1),
        ([Fault(drop=True)] * 9, "unreachable", 3),
        ([Fault(delay=1.0)] * 9, "timeout", 3),
        ([Fault(body=b"<html>proxy error</html>")] * 9, "not_json", 3),
        ([Fault(finish="SAFETY")], "blocked", 1),
        ([Fault(finish="RECITATION")], "blocked", 1),
        ([Fault(block="PROHIBITED_CONTENT")], "blocked", 1),
        ([Fault(finish="MAX_TOKENS", text='{"summary": [')], "truncated", 1),
        ([Fault(no_candidates=True)], "empty", 1),
        ([Fault(text="")], "empty", 1),
        ([Fault(text='{"summary": 1}')] * 2, "schema", 2),
        ([Fault(text="I cannot help with that.")] * 2, "schema", 2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_ends_in_the_template_with_its_reason(
    faults: list[Fault], code: str, calls: int, tables: ResultTables, writer: Maker, server: StandIn
) -> None:
    server.faults[:] = copy.deepcopy(faults)
    narrating = writer(HASTY if code == "timeout" else PATIENT)
    started = time.monotonic()
    narrative = _write(tables, narrating)
    assert time.monotonic() - started < PATIENT.deadline_seconds
    assert narrative.receipt.source == "template"
    assert narrative.receipt.reason is not None
    assert narrative.receipt.reason.code == code
    assert len(server.requests) == calls == narrative.receipt.calls
    first, *rest = narrative.markdown.splitlines()
    assert first.startswith("*Text generated automatically from the tables, because ")
    assert "# What to do with the budget" in rest
    assert "script" not in narrative.markdown + str(narrative.receipt)


def test_a_server_that_drips_bytes_is_given_up(tables: ResultTables, writer: Maker, server: StandIn) -> None:
    server.faults[:] = [Fault(drip=True)]
    narrative = _write(tables, writer(Limits(0.4, 1.0, attempts=1)))
    assert narrative.receipt.reason is not None
    assert narrative.receipt.reason.code == "timeout"


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(drop=True), Fault(status=429, retry_delay="0.3s"), Fault(body=b"<html>")]
)
def test_a_passing_fault_is_overcome(fault: Fault, tables: ResultTables, writer: Maker, server: StandIn) -> None:
    server.faults[:] = [copy.copy(fault)]
    started = time.monotonic()
    narrative = _write(tables, writer())
    assert narrative.receipt.source == "gemini"
    assert narrative.receipt.calls == 2
    if fault.retry_delay:
        assert time.monotonic() - started >= 0.3


def test_a_wrong_key_and_an_unknown_model_are_told_apart_and_not_tried_again(
    tables: ResultTables, writer: Maker, server: StandIn
) -> None:
    refused = _write(tables, writer(key="another-key"))
    assert refused.receipt.reason is not None
    assert refused.receipt.reason.code == "refused_key"
    assert "another-key" not in refused.markdown + repr(refused.receipt) + repr(writer(key="another-key"))
    other = synthetic_results(2, settings={"report": {"languages": ["en"]}, "gemini": {"model": "gemini-1.5-pro"}})
    unknown = _write(other, writer())
    assert unknown.receipt.reason is not None
    assert unknown.receipt.reason.code == "unknown_model"
    assert len(server.requests) == 2


def _lying(body: dict[str, Any]) -> dict[str, Any]:
    answer = honest(body)
    answer["parts"][0]["statements"][1]["text"] = answer["parts"][0]["statements"][1]["text"].replace(" per ", "9 per ")
    return answer


def test_a_lie_is_asked_about_once_and_then_replaced(tables: ResultTables, writer: Maker, server: StandIn) -> None:
    server.answer = _lying
    narrative = _write(tables, writer())
    assert narrative.receipt.reason is not None
    assert narrative.receipt.reason.code == "ungrounded"
    assert len(server.requests) == narrative.receipt.questions == 2
    assert narrative.receipt.tokens == 2000
    [problem] = narrative.receipt.problems
    assert "none of the cells" in problem.why
    assert problem.sentence in server.last.texts[0], "the second question lists the errors"
    assert "9 per unit" not in narrative.markdown


def test_an_answer_that_mends_its_lie_is_taken(tables: ResultTables, writer: Maker, server: StandIn) -> None:
    server.answer = lambda body: honest(body) if "ERRORS BEGIN" in json.dumps(body) else _lying(body)
    narrative = _write(tables, writer())
    assert narrative.receipt.source == "gemini"
    assert narrative.receipt.questions == 2


def _changed(statement: dict[str, Any] | None = None, heading: str | None = None) -> Callable[..., dict[str, Any]]:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        made = honest(body)
        if statement:
            made["summary"][0] = statement
        if heading:
            made["parts"][0]["heading"] = heading
        return made

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        _changed({"text": "Media brought 55.5% of it.", "figures": []}),
        _changed({"text": "Nine tenths came from media, twelve channels in all.", "figures": []}),
        _changed(heading="Growth of 312%"),
        _changed(
            {
                "text": "The best channel returns 4711.",
                "figures": [{"text": "4711", "table": "attribution", "row": "Nobody", "column": "roi"}],
            }
        ),
        lambda body: honest({**body, "systemInstruction": {"parts": [{"text": "한국어"}]}}),  # the wrong language
    ],
    ids=["no reference", "words", "heading", "invented row", "language"],
)
def test_what_the_tables_do_not_support_is_refused(
    answer: Any, tables: ResultTables, writer: Maker, server: StandIn
) -> None:
    server.answer = answer
    narrative = _write(tables, writer())
    assert narrative.receipt.reason is not None
    assert narrative.receipt.reason.code == "ungrounded"


def test_the_same_question_is_not_paid_for_twice(tables: ResultTables, writer: Maker, server: StandIn) -> None:
    first = _write(tables, writer(run="monday"))
    again = _write(tables, writer(run="tuesday"))
    assert len(server.requests) == 1
    assert again.markdown == first.markdown
    assert (again.receipt.tokens, again.receipt.was_kept) == (0, True)
    assert again.receipt.prompt_sha256 == first.receipt.prompt_sha256


def test_other_data_is_another_question(tables: ResultTables, writer: Maker, server: StandIn) -> None:
    _write(tables, writer())
    _write(synthetic_results(5, seed=4, settings={"report": {"languages": ["en"]}}), writer())
    assert len(server.requests) == 2


def test_a_kept_answer_that_somebody_changed_is_not_believed(
    tables: ResultTables, writer: Maker, server: StandIn
) -> None:
    narrating = writer()
    _write(tables, narrating)
    [file] = list(narrating.cache.folder.glob("*.json"))
    file.write_text(file.read_text().replace("The data covers 87", "The data covers 97"))
    narrative = _write(tables, narrating)
    assert len(server.requests) == 2
    assert "97 days" not in narrative.markdown


def test_the_token_budget_of_a_run_holds_over_its_narratives(
    tables: ResultTables, writer: Maker, server: StandIn
) -> None:
    room = 8192 + 30_000
    first = _write(tables, writer(token_budget=room + 500))
    second = _write(tables, writer(token_budget=first.receipt.tokens + 1000), "model_advice")
    assert first.receipt.source == "gemini"
    assert second.receipt.reason is not None
    assert second.receipt.reason.code == "budget"
    assert len(server.requests) == 1
    assert writer().budget.spent() == 1000


def test_every_language_is_asked_for_by_itself_from_the_same_facts(writer: Maker, server: StandIn) -> None:
    tables = synthetic_results(3)
    written = write_narrative("chart_report", tables, writer(), lambda *_: ())
    assert [narrative.receipt.source for narrative in written.values()] == ["gemini", "gemini"]
    assert written["ko"].markdown.startswith("*Gemini(gemini-3.8-flash-001)가 작성했습니다")
    assert "미디어가 만든 비율" in written["ko"].markdown
    from mmm_pipeline_tests.reporting.gemini.stand_in import Asked

    assert Asked(server.requests[0]).tables == Asked(server.requests[1]).tables
