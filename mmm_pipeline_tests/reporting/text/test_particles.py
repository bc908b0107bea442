"""Particles follow the last sound, whatever the name or number."""

from __future__ import annotations

import pytest

from mmm_pipeline.reporting.text.particles import with_particles


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("매출을(를)", "매출을"),
        ("Sales이(가)", "Sales가"),
        ("Google은(는)", "Google은"),
        ("Google(으)로", "Google로"),
        ("Instagram을(를)", "Instagram을"),
        ("Kakao와(과) Facebook와(과)", "Kakao와 Facebook과"),
        ("KPI이(가)", "KPI가"),
        ("URL(으)로", "URL로"),
        ("USD 1,234(으)로", "USD 1,234로"),
        ("USD 1,230(으)로", "USD 1,230으로"),
        ("USD 1,000이(가)", "USD 1,000이"),
        ("KRW 100,000이(가)", "KRW 100,000이"),
        ("3개을(를)", "3개를"),
        ("1(으)로", "1로"),
        ("3(으)로", "3으로"),
        ("12.50이(가)", "12.50이"),
        ("34%이(가)", "34%가"),
        ("1.2만(으)로", "1.2만으로"),
        ("**Search Brand**이(가)", "**Search Brand**가"),
        ("TV (전국)은(는)", "TV (전국)는"),
        ("이(가)", "가"),
    ],
)
def test_a_particle_takes_the_form_of_the_sound_before_it(written: str, read: str) -> None:
    assert with_particles(written) == read


def test_text_without_alternatives_stays() -> None:
    assert with_particles("a (b) 이 가 을 100%") == "a (b) 이 가 을 100%"
