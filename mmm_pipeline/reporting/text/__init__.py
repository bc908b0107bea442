"""Names, numbers and sentences as text, in English and Korean."""
