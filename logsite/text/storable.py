"""What every column can hold."""

INTEGERS = range(-(2**63), 2**63)


def is_whole(text: str) -> bool:
    """Whether it has no half characters: bytes that are no UTF-8 arrive so, and so does one half of a pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str) -> str:
    """`text` as every database takes it: NUL and half characters are written out, as `\\x00` and `\\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
