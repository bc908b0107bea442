"""A fitted model: draws, forecasts, storage."""
