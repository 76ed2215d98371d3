"""Cuts UTF-8 between characters."""


def cut_place(data: bytes, limit: int) -> int:
    """The last place of `data`, at most `limit`, that is not inside a character. `data` is UTF-8."""
    place = min(limit, len(data))
    while 0 < place < len(data) and data[place] & 0xC0 == 0x80:  # a byte that continues a character
        place -= 1
    return place
