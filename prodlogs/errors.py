"""What can go wrong with a Docker host: one error with a kind that a person, a filter and a program understand."""

from prodlogs.models import ErrorKind


class ConfigurationError(ValueError):
    """A host that is not defined, or only by half; the text says what to set."""


class HostError(RuntimeError):
    """A host that could not be read; the text names it and says what to do. No text holds a secret."""

    def __init__(self, host: str, kind: ErrorKind, reason: str) -> None:
        super().__init__(f"{host}: {reason}")
        self.host, self.kind, self.reason = host, kind, reason

    def __reduce__(self) -> tuple[type["HostError"], tuple[str, ErrorKind, str]]:
        return type(self), (self.host, self.kind, self.reason)
