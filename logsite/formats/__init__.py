"""Formats of the admin, by language."""
