"""What a stranger's files are: tables, steps, roles of columns and kinds of channels, with how sure and why."""
