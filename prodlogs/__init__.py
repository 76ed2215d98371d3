"""Logs of production containers, read over SSH."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prodlogs.collector import ProductionLogCollector
    from prodlogs.log_interface import LogInterface

__all__ = ["LogInterface", "ProductionLogCollector"]


if not TYPE_CHECKING:  # mypy would take any name for one that this function knows

    def __getattr__(name: str) -> type:
        """The two classes need the tables, which Django has not loaded yet when it imports the app."""
        if name == "LogInterface":
            from prodlogs.log_interface import LogInterface

            return LogInterface
        if name == "ProductionLogCollector":
            from prodlogs.collector import ProductionLogCollector

            return ProductionLogCollector
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
