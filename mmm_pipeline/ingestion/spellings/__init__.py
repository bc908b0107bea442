"""How dates, numbers, currencies and names are spelled in text: SQL over text, decided for a column as a whole."""
