"""Reading files: one module per kind of file, and what all kinds share."""
