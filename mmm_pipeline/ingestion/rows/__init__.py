"""Campaign rows: parsed, judged and summed inside the database."""
