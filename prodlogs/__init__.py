"""Logs of production containers, read over SSH."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prodlogs.collector import ProductionLogCollector
    from prodlogs.log_interface import LogInterface

__all__ = ["LogInterface", "ProductionLogCollector"]


def __getattr__(name: str) -> Any:
    """The two classes need the tables, which Django has not loaded yet when it imports the app."""
    if name == "LogInterface":
        from prodlogs.log_interface import LogInterface

        return LogInterface
    if name == "ProductionLogCollector":
        from prodlogs.collector import ProductionLogCollector

        return ProductionLogCollector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
