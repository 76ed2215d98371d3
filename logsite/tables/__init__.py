"""Columns and statements that several apps use: nanoseconds, names, many rows at once, turns at writing."""
