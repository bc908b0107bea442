"""From stored tables to what people read."""
