"""The density, its coordinates, NUTS and diagnostics."""
