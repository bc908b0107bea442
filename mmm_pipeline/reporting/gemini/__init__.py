"""Narratives by Gemini: what is sent, how it is asked, what is believed, and what it costs."""
