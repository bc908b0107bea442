"""The stored tables of one run, as reports read them."""
