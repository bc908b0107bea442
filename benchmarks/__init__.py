"""Side-by-side measurements; slow, and no part of the installed package."""
