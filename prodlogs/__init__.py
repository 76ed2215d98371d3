"""Logs of production containers, read over SSH."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prodlogs.collector import ProductionLogCollector
    from prodlogs.log_interface import LogInterface

__all__ = ["LogInterface", "ProductionLogCollector"]


if not TYPE_CHECKING:  # mypy would take any name for one that this function knows

    def __getattr__(name: str) -> type:
        """The two classes need the tables, which Django has not loaded yet when it imports the app."""
        modules = {"LogInterface": "prodlogs.log_interface", "ProductionLogCollector": "prodlogs.collector"}
        if name not in modules:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)
