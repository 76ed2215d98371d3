"""Loki: entries as streams and lines, the push, and what its answers mean."""
