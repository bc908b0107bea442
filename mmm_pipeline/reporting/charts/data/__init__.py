"""Charts of the data before any model."""
