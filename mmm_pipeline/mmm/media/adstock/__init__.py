"""Adstocks: how media of past periods acts today. One module each, all linear in media."""
