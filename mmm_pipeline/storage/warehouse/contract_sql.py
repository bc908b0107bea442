"""A table's contract as SQL, so that rows that break it are found where they are."""

from __future__ import annotations

from typing import Any

from mmm_pipeline.storage.warehouse.dialect import Dialect
from mmm_pipeline.tables.catalog import CONTRACTS

__all__ = ["broken_rows"]


def broken_rows(name: str, dialect: Dialect, table: str) -> str:
    """SELECT statement of the rows that break a column's rules: empty values, bounds, length, infinite numbers.

    Args:
        name: the table's contract.
        dialect: spelling of the warehouse.
        table: quoted name of the table.

    Raises:
        NotImplementedError: the contract has a rule that SQL is not known for.
    """
    tests = []
    for column, field in CONTRACTS[name].columns.items():
        quoted = dialect.identifier(str(column))
        if not field.nullable:
            tests.append(f"{quoted} IS NULL")
        tests += [_broken(dialect, quoted, check) for check in field.checks]
    return f"SELECT * FROM {table} WHERE {' OR '.join(tests)}"


def _broken(dialect: Dialect, column: str, check: Any) -> str:
    if check.name == "greater_than_or_equal_to":
        return f"{column} < {float(check.statistics['min_value'])!r}"
    if check.name == "str_length" and check.statistics.get("max_value") is None:
        return f"LENGTH({column}) < {int(check.statistics['min_value'])}"
    if check.name == "finite":
        return f"NOT ({dialect.is_finite.format(column)})"
    if check.name == "isin" and all(
        isinstance(value, str) and "'" not in value for value in check.statistics["allowed_values"]
    ):
        allowed = ", ".join(f"'{value}'" for value in sorted(check.statistics["allowed_values"]))
        return f"{column} NOT IN ({allowed})"
    raise NotImplementedError(f"rule {check.name!r} of a contract has no SQL yet: add it to contract_sql.py")
