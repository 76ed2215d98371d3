"""Secrets of several lines that go on behind the end of a text, as a stream's lines come in parts."""

import re

from logsite.redaction.patterns import LAST_LINE, TEXT_RULES

# A word that stands in all they match; words that open the rest of one of which nothing has come yet, and of one of
# which something has.
_PEM, _BAG, _PUTTY, _HEX = (rule.pattern for rule in TEXT_RULES[:4])
OPEN_ENDED = (
    ("PRIVATE KEY", _PEM, "-----BEGIN PRIVATE KEY-----", f"-----BEGIN PRIVATE KEY----- {'A' * 16}"),
    ("BEGIN PKCS12", _BAG, "-----BEGIN PKCS12-----", "-----BEGIN PKCS12-----"),
    ("Private-Lines", _PUTTY, "Private-Lines: 1", "Private-Lines: 1"),
    ("rivate", _HEX, "Private-Key:", "Private-Key:"),
)
_BROKEN = re.compile(r"(?:password|secret|passphrase|key)=\\\r?\Z")  # RouterOS breaks long lines
_SHORT = re.compile(rf"\s*{LAST_LINE}\s*(?:\n|\Z)")
_ENDED = re.compile(rf"(?:\A|[^A-Za-z0-9+/=]){LAST_LINE}\s*\Z")


def still_open(text: str) -> str:
    """Words that open a secret of several lines which goes on where `text` ends; no words of its own."""
    for sign, pattern, opening, within in OPEN_ENDED:
        if sign in text:
            for match in pattern.finditer(text):
                if match.end() == len(text) and not (within != opening and _ENDED.search(match[1])):
                    return within if match[1].strip() else opening
    return "password=\\" if text.endswith(("\\", "\\\r")) and _BROKEN.search(text) else ""


def taken_up(opening: str, text: str) -> str:
    """`opening`, unless a key would begin with its short last line: somebody only spoke of one."""
    spoken_of = opening == OPEN_ENDED[0][2] and _SHORT.match(text)
    return "" if spoken_of else opening
