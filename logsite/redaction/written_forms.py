"""How a value that is known is written, and when a short one counts."""

import base64
import json
import re
import shlex
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

# Stands for each character of a mark: no keyword, no white space, no quote; ASCII, or Python would search a text
# of wider characters.
BLANK = "\x05"
ANYWHERE = 6  # a secret of this length is masked wherever it stands
WHOLE_TOKEN = 4  # a shorter one only beside a keyword: as a substring it would take every «a» of a text
PEM_FRAME = re.compile(r"-----(?:BEGIN|END) |PuTTY-User-Key|[A-Z][A-Za-z-]+: ")
KEYWORD_STEMS = ("passw", "passphrase", "secret", "key", "communit", "psk", "token")
KEYWORD = (
    rf"(?:{'|'.join(KEYWORD_STEMS)})[\w-]{{0,20}}[\"']?(?:[ \t]*+[:=>]++[ \t]*+|[ \t]++)"
    r"(?:\d{1,2}[ \t]++)?[\"']?"
)


def written_forms(value: str) -> set[str]:
    """`value` as it is, and as XML, JSON, Python, a shell, a URL and base64 write it."""
    raw = value.encode("utf-8", "surrogatepass")
    quotes = [("&quot;", "&#39;"), ("&quot;", "&apos;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;")]
    forms = {
        value,
        escape(value),
        *(escape(value, {'"': double, "'": single}) for double, single in quotes),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        repr(raw)[2:-1],
        value.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'"),
        shlex.quote(value).removeprefix("'").removesuffix("'"),
    }
    if len(value) >= WHOLE_TOKEN:
        urls = {quote(raw), quote(raw, safe=""), quote_plus(raw)}
        forms |= urls | {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), url) for url in urls}
        forms |= {
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        }
    return forms


def telling_parts(value: str) -> list[str]:
    """The pieces of a credential that give it away by themselves: of a private key, every line of its body."""
    value = value.strip("\r\n")
    if "\n" not in value:
        return [part for part in {value, value.strip()} if part.strip()]
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if line and not PEM_FRAME.match(line)]


def token_pattern(form: str) -> re.Pattern[str]:
    """`form` as a whole word, also behind the escaped end of a line. What stood at a mark was no whole word."""
    return re.compile(rf"(?:(?<![\w.{BLANK}-])|(?<=\\[nrt])){re.escape(form)}(?![\w{BLANK}-]|\.\w)")


def beside_pattern(form: str) -> re.Pattern[str]:
    """`form` as the value of a keyword."""
    return re.compile(rf"{KEYWORD}(?-i:({re.escape(form)}))(?![^\s\"'<;,)\]}}\\])", re.IGNORECASE)
