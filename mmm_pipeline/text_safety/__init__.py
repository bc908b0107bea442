"""Text that comes from files and goes to people: what is left of it, so that it can do no harm. The lowest layer."""
