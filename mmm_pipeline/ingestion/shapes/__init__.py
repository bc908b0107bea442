"""The shapes that tables have: which columns are wanted of each, and wide tables as rows."""
