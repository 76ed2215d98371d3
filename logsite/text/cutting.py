"""Cuts UTF-8 between characters, and long texts with a mark."""


def shortened(text: str, characters: int) -> str:
    """`text`, or its first `characters` with a mark that counts the rest: `… (123 more characters)`."""
    more = len(text) - characters
    return text if more <= 0 else f"{text[:characters]}… ({more:,} more characters)"


def cut_place(data: bytes, limit: int) -> int:
    """The last place of `data`, at most `limit`, that is not inside a character. `data` is UTF-8."""
    place = min(limit, len(data))
    while 0 < place < len(data) and data[place] & 0xC0 == 0x80:  # a byte that continues a character
        place -= 1
    return place
