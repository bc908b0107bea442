"""Names from data are shown harmlessly, and still tell one channel from another."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from mmm_pipeline.reporting.text.names import clean, display_width, distinct, isolated, shorten


def test_control_and_bidirectional_marks_are_removed() -> None:
    assert clean("evil\u202egnp.exe\u2066\x00 na\x1bme\u200b") == "evilgnp.exe name"


def test_white_space_of_any_kind_becomes_one_space() -> None:
    assert clean("  a\n\tb\u3000c\u2028d ") == "a b c d"


def test_emoji_sequences_and_hangul_survive() -> None:
    assert clean("👨\u200d👩\u200d👧 여름 ❤\ufe0f") == "👨\u200d👩\u200d👧 여름 ❤\ufe0f"


def test_a_name_decomposed_by_its_source_is_composed() -> None:
    assert clean(unicodedata.normalize("NFD", "여름")) == "여름"


@given(st.text(), st.integers(3, 60))
def test_cleaned_text_is_one_visible_line_within_its_limit(text: str, limit: int) -> None:
    result = clean(text, limit)
    assert display_width(result) <= limit
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in result)
    assert result == " ".join(result.split())


def test_shortening_keeps_both_ends() -> None:
    assert shorten("Brand 1 Ad Group number 12 Winter", 16).startswith("Brand 1")
    assert shorten("Brand 1 Ad Group number 12 Winter", 16).endswith("Winter")
    assert shorten("short", 16) == "short"


def test_wide_letters_count_twice() -> None:
    assert display_width("여름") == 4
    assert display_width(shorten("여름여름여름여름", 9)) <= 9


def test_labels_that_became_equal_or_empty_are_told_apart() -> None:
    assert distinct(["a", "", "a", "#2", "a (2)"]) == ["a", "#2", "a (2)", "#2 (2)", "a (2) (2)"]


@given(st.lists(st.sampled_from(["a", "b", "", "#1", "a (2)"]), max_size=8))
def test_labels_are_never_equal(labels: list[str]) -> None:
    result = distinct(labels)
    assert len(set(result)) == len(labels)
    assert all(result)


def test_right_to_left_names_are_fenced_and_others_are_not() -> None:
    assert isolated("قناة") == "\u2068قناة\u2069"
    assert isolated("여름 sale 1") == "여름 sale 1"
