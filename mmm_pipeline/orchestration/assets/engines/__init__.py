"""Assets of second opinions by other libraries."""
