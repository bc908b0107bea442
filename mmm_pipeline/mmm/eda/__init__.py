"""The data profile before any model."""
