"""Every figure a narrative may use, with table, row and column."""
