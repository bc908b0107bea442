"""Start the BigQuery emulator without a network: `python emulator.py --rest-port N --grpc-port M`.

It would download DuckDB extensions for geography and Avro, which nothing here uses.
"""

import sys
from functools import lru_cache
from typing import Any

from bqemulator.api.routes import upload
from bqemulator.cli import main
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import Dialect

DuckDBEngine._load_spatial = lambda self: None
DuckDBEngine._load_format_extensions = lambda self: None
# Google's client sends small files as one request with this media type; the emulator knows others only.
_permitted = upload._is_permitted_media_type
upload._is_permitted_media_type = lambda kind: kind == "*/*" or _permitted(kind)

# It parses every statement about twenty times, which takes nearly all of its time.
_parse = lru_cache(maxsize=64)(Dialect.parse)


def _parse_once(self: Dialect, sql: str, **options: Any) -> list[Any]:
    return [expression and expression.copy() for expression in _parse(self, sql, **options)]


Dialect.parse = _parse_once

if __name__ == "__main__":
    sys.argv = ["bqemulator", "start", *sys.argv[1:]]
    main()
