"""Texts of other machines on a terminal: they must not steer it."""

# ESC is shown as ␛, and so on.
CONTROL = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n\r"}
CONTROL |= {0x7F: "\N{SYMBOL FOR DELETE}"} | dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")


def plain(text: str) -> str:
    """`text` without what would steer the terminal it is printed on."""
    return text.replace("\r", "").translate(CONTROL)
