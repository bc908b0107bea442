"""Assets launched by hand, outside the refresh."""
