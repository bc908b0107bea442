"""Pictures, one module per chart."""
