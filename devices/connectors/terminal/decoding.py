"""Bytes of a device as text that loses no letter."""

import codecs

ERRORS = "logsite.windows-1252"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8 are letters of Windows-1252, which has all those of Latin-1."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(ERRORS, _as_windows)


def decoder() -> codecs.IncrementalDecoder:
    """For bytes that come in packets: a letter that is cut waits for its rest."""
    return codecs.getincrementaldecoder("utf-8")(ERRORS)


def decoded(whole: bytes | bytearray) -> str:
    """`whole` as text."""
    return whole.decode("utf-8", ERRORS)
