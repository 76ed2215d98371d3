"""Fixtures of the shipping tests that contracts need as well."""

from tests.shipping.conftest import loki, run

__all__ = ["loki", "run"]
