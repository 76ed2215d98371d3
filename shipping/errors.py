"""What can go wrong on the way out. Every text is one line and carries no secret."""


class ShippingError(Exception):
    """The base: its text is what the operator reads."""


class Misconfigured(ShippingError):
    """The other side answers, but never will with these settings: such as a wrong address or token."""


class Unavailable(ShippingError):
    """The other side cannot take or give anything just now; the same request is worth sending again.

    `retry_after` is the number of seconds the other side asked for, None when it did not say.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Refused(ShippingError):
    """At least one entry of the request can never be stored; the text is the receiver's reason.

    `answer` is all of what the receiver said.
    """

    def __init__(self, reason: str, answer: str = "") -> None:
        super().__init__(reason)
        self.answer = answer


class TooLarge(ShippingError):
    """The request as a whole is too big; halves of it may not be."""


class LostRace(ShippingError):
    """Another shipper moved the cursor in the meantime."""


class Stopped(ShippingError):
    """The process was asked to end while it waited for a retry; the batch in hand goes out next time."""
