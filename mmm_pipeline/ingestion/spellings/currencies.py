"""Amounts in two currencies: added up, or divided by each other, they would be no amount of either."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.spellings.number_formats import currency
from mmm_pipeline.ingestion.spellings.text_columns import TextColumns

__all__ = ["require_one_currency"]

_LONGEST = 40
_SHOWN = 5
_DOLLARS = "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP BRL BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD"
# Signs that stand for more than one currency have them all.
_CODES: Mapping[str, str] = {
    "$": _DOLLARS,
    "US$": "USD",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "NZ$": "NZD",
    "S$": "SGD",
    "HK$": "HKD",
    "NT$": "TWD",
    "MX$": "MXN",
    "R$": "BRL",
    "€": "EUR",
    "£": "GBP EGP FKP GIP SHP SYP SDG",
    "¥": "JPY CNY CNH",
    "￥": "JPY CNY CNH",
    "円": "JPY",
    "元": "CNY CNH TWD",
    "₩": "KRW KPW",
    "원": "KRW KPW",
    "₹": "INR",
    "₽": "RUB",
    "₺": "TRY",
    "₴": "UAH",
    "₫": "VND",
    "₱": "PHP",
    "₪": "ILS",
    "฿": "THB",
    "₦": "NGN",
    "₸": "KZT",
    "zł": "PLN",
    "Kč": "CZK",
    "kr": "SEK NOK DKK ISK",
}


def require_one_currency(texts: TextColumns, positions: Sequence[int], compared: Collection[int] = ()) -> None:
    """Refuse a column of numbers with signs or codes that no single currency has, such as `$5` beside `€5`.

    `$5` beside `USD 5` is one currency, and a number without a sign goes with any.

    Args:
        texts: the source.
        positions: of the columns.
        compared: those of columns that are divided by each other, such as the KPI by spend: they must have one currency
            together.

    Raises:
        CampaignDataError: naming a cell of each currency.
    """
    if not positions:
        return
    asked = ", ".join(f"MIN(s{position}), MAX(s{position})" for position in positions)
    signs = ", ".join(f"{currency(texts.dialect, f'c{position}')} AS s{position}" for position in positions)
    [row] = texts.query(f"SELECT {asked} FROM (SELECT {signs} FROM {texts.all_cells}) AS signs")
    several = [at for at, least, most in zip(positions, row[::2], row[1::2], strict=True) if least != most]
    mixed = {position: found for position in several if len(found := _incompatible(_cells(texts, position))) > 1}
    if not mixed:
        signed = [at for at, least in zip(positions, row[::2], strict=True) if at in compared and least is not None]
        _require_comparable(texts, signed)
        return
    lines = [
        f"  {texts.headers[position]!r} has {' and '.join(cells[:_SHOWN])}"
        for position, cells in list(mixed.items())[:_SHOWN]
    ]
    raise CampaignDataError(
        "\n".join(
            [
                f"{texts.where}: amounts of one column are in different currencies, and would be added up:",
                *lines,
                "  Convert them to one currency. If they are in one already, remove the signs from the cells",
            ]
        )
    )


def _require_comparable(texts: TextColumns, positions: Sequence[int]) -> None:
    """Refuse columns of one currency each that is not the same."""
    cells = {position: _cells(texts, position) for position in positions}
    if len(_incompatible([cell for found in cells.values() for cell in found])) < 2:
        return
    raise CampaignDataError(
        "\n".join(
            [
                f"{texts.where}: columns that are divided by each other are in different currencies:",
                *(f"  {texts.headers[position]!r} has {found[0][1]}" for position, found in cells.items()),
                "  Convert them to one currency. If they are in one already, remove the signs from the cells",
            ]
        )
    )


def _cells(texts: TextColumns, position: int) -> list[tuple[str, str]]:
    """Each sign of a column with its first cell, ready to be shown, in the order of the source."""
    column = f"c{position}"
    found = texts.query(f"""
        SELECT sign, line_number, {column} FROM (
            SELECT sign, line_number, {column},
                ROW_NUMBER() OVER (PARTITION BY sign ORDER BY line_number, {column}) AS place
            FROM (SELECT line_number, {column}, {currency(texts.dialect, column)} AS sign FROM {texts.all_cells}) AS s
            WHERE sign IS NOT NULL
        ) AS cells WHERE place = 1 ORDER BY line_number, sign""")
    return [
        (sign, repr(text.strip()[:_LONGEST]) + ("" if line is None else f" ({texts.place(line)})"))
        for sign, line, text in found
    ]


def _incompatible(cells: Sequence[tuple[str, str]]) -> list[str]:
    """The first cell, and those that no currency of the cells before them fits; one or none: they are one currency."""
    shown: list[str] = []
    possible: frozenset[str] = frozenset()
    for sign, cell in cells:
        codes = frozenset(_CODES.get(sign, sign).split())
        if not shown:
            shown, possible = [cell], codes
        elif possible & codes:
            possible &= codes
        else:
            shown.append(cell)
    return shown
