"""Entries as a file of any size: read page by page, written as they are read, on record."""
