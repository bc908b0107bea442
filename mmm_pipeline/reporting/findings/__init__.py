"""What the tables say: verdicts and tags, each stated once."""
