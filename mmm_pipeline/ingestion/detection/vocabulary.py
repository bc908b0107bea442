"""The words by which headers tell what a column is, in the languages of the exports that people have."""

from __future__ import annotations

import re
from itertools import pairwise

__all__ = ["SUFFIXES", "is_helper", "looks_like", "words_of"]

_WORDS = {
    "date": "date day week month time period datum tag woche monat fecha jour 일자 날짜 일 주 월 주차",
    "market": "geo market country region state city dma land pais pays 국가 지역 시장 마켓",
    "population": "population inhabitants einwohner 인구",
    "channel": "channel platform publisher campaign network medium media_source ad_group adgroup source_medium kanal "
    "kampagne canal 채널 매체 캠페인 플랫폼",
    "spend": "spend spends spent cost costs budget amount_spent kosten ausgaben gasto coste depense 비용 광고비 지출 "
    "집행금액",
    "media": "impression impressions impr impressions clicks click views view grp grps trp reach sent opens visits "
    "installs sessions interactions impressionen klicks 노출 노출수 클릭 클릭수 조회수",
    "money": "revenue sales turnover gmv umsatz total_price total_sales conversion_value conv_value conversions_value "
    "purchase_value 매출 매출액 판매액 거래액",
    "count": "conversions conversion orders order purchases signups sign_ups leads installs units transactions kpi y "
    "target response registrations subscriptions 주문 주문수 전환 전환수 가입 구매",
    "treatment": "promo promotion promotions price discount discounts rabatt 할인 가격 프로모션",
    "control": "control competitor competition sentiment temperature weather holiday stock index gdp unemployment cpi "
    "rain trend_google 경쟁사 날씨 기온",
    "apart": "competitor competition weather temperature holiday rain gdp cpi unemployment 경쟁사 날씨 기온",
    "organic": "organic newsletter email e_mail seo referral direct 오가닉 뉴스레터",
    "helper": "index t id row rownum dayofyear dayofweek weekofyear weekday year trend unnamed",
}
_LOOKED_FOR = {role: frozenset(words.split()) for role, words in _WORDS.items()}

SUFFIXES = {
    "spend": ("_S", "_spend", "_cost", "_spends", "_costs", " spend", " cost", "_비용", "_광고비"),
    "media": (
        "_I", "_impressions", "_impression", "_impr", "_P", "_clicks", "_views", "_grp", "_grps", "_media",
        " impressions", " clicks", "_노출", "_클릭",
    ),
    "reach": ("_R", "_reach", " reach"),
    "frequency": ("_F", "_frequency", "_freq", " frequency"),
    "control": ("_B", "_control"),
    "organic": ("_O", "_organic"),
    "truth": ("_effect", "_contribution"),
}  # fmt: skip
"""What a header of a wide table ends in, by what the column is; those of one letter are capital letters."""

_NOT_WORDS = re.compile(r"[^0-9a-z가-힣äöüßéèàñç]+")


def words_of(header: str) -> frozenset[str]:
    """The words of a header, and all of it as one word, in lower case: `Conv. value` has conv, value, conv_value."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.strip())
    parts = [part for part in _NOT_WORDS.split(spaced.casefold()) if part]
    pairs = ["_".join(pair) for pair in pairwise(parts)]
    return frozenset([*parts, *pairs, "_".join(parts)])


def looks_like(role: str, header: str) -> bool:
    """Whether a header has a word for a role."""
    return bool(words_of(header) & _LOOKED_FOR[role])


def is_helper(header: str) -> bool:
    """Whether all of a header is a word for a row number or for a part of the date."""
    return (
        not header.strip()
        or header.startswith(("column ", "Unnamed"))
        or ("_".join(part for part in _NOT_WORDS.split(header.casefold()) if part) in _LOOKED_FOR["helper"])
    )
