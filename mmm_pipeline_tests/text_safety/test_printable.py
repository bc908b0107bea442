"""Names from a file cannot steer a terminal or reorder what stands beside them."""

from __future__ import annotations

import json

import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.text_safety.printable import printable, printable_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Search", "Search"),
        ("검색 광고\tTV\nRadio", "검색 광고\tTV\nRadio"),
        ("\x1b[31mRED\x1b[0m", "[31mRED[0m"),
        ("\x1b]0;pwn\x07x", "]0;pwnx"),
        ("\x9b31mRED", "31mRED"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("line\u2028two\rthree", "linetwothree"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
    ],
    ids=ascii,
)
def test_what_has_no_glyph_is_removed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_json_is_harmless_and_says_the_same() -> None:
    content = {"channel": "a\u202eb\x9bc\x7f검색\x1b[31m"}
    text = printable_json(json.dumps(content, ensure_ascii=False))
    assert json.loads(text) == content
    assert printable(text) == text
    assert "검색" in text


def test_an_error_that_quotes_a_file_is_harmless() -> None:
    assert str(CampaignDataError("channel '\x1b[2J\u202eTV'\nline 2")) == "channel '[2JTV'\nline 2"
