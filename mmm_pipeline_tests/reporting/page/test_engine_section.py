"""What the report says of other engines."""

from __future__ import annotations

import pytest

from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.page.engine_section import engine_notes, engine_tables
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.wording import wording
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, synthetic_results


def notes_of(language: Language = "en") -> dict[str, str]:
    tables = synthetic_results(["A", "B", "C"], engines=["Peer", "Other"])
    return engine_notes(tables, findings(tables), wording(language), Formatter(language, "USD"))


def test_channels_on_which_engines_contradict_are_named_with_care() -> None:
    assert "They disagree on A: be careful there." in notes_of()["engines"]


def test_agreement_and_a_missing_engine_are_named() -> None:
    told = notes_of()["engines"]
    assert "Engines agree on " in told
    assert "The comparison goes on without Broken (failed)." in told


def test_korean_says_the_same_in_korean() -> None:
    told = notes_of("ko")["engines"]
    assert "서로 어긋나는 채널: A." in told
    assert "engines." not in told


def test_every_engine_has_a_column_and_every_channel_a_row() -> None:
    tables = synthetic_results(4, engines=["Peer", "Other"])
    made = engine_tables(tables, findings(tables), wording("en"), Formatter("en", "USD"))
    assert made["engines"].header == ("Channel", "mmm_pipeline", "Peer", "Other")
    assert len(made["engines"].rows) == 4
    assert [row[0].text for row in made["engine_scores"].rows] == ["mmm_pipeline", "Peer", "Other", "Broken"]


def test_without_engines_the_section_is_not_there() -> None:
    tables = synthetic_results(3)
    assert engine_tables(tables, findings(tables), wording("en"), Formatter("en", "USD")) == {}
    assert engine_notes(tables, findings(tables), wording("en"), Formatter("en", "USD"))["engines"] == ""


@pytest.mark.parametrize("name", HOSTILE_NAMES[:3])
def test_an_engine_s_hostile_title_is_shown_as_text(name: str) -> None:
    tables = synthetic_results(3, engines=[name])
    made = engine_tables(tables, findings(tables), wording("en"), Formatter("en", "USD"))
    assert "\n" not in made["engines"].header[2]
    assert len(made["engines"].header[2]) <= len(name)
