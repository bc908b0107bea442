"""Assets of the grid: fits, leaderboard, champion, model checks."""
