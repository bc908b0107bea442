"""Assets people read: charts, narratives, the report."""
