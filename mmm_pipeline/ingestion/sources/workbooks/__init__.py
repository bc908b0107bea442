"""Excel workbooks: sheets, formulas, limits."""
