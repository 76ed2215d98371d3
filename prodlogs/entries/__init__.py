"""Stored entries as lists, summaries and files."""
