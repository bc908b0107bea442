"""The report: one HTML page, its tables and its text form."""
