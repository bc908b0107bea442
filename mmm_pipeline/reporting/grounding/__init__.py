"""Whether every figure of a text is a figure of the stored tables."""
