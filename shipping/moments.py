"""Times as a person gives them on a command line."""

from logsite.moments import parse_moment

__all__ = ["parse_moment"]
