"""Measurements; run one with `.venv/bin/python -m benchmarks.NAME`. docs/performance.md holds the table."""
