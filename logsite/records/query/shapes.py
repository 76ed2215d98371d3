"""What the signs of a query mean: operators, names of fields, and texts that only look like one of them.

A colon is in addresses, times, URLs, paths and stack frames as well. A word before a colon names a field only where
the rest has no such shape.
"""

import re

# An operator at the beginning of a token. A sign that is doubled or stands alone is text, as in `--follow`, `a - b`,
# `->`; an exclamation mark may have a space behind it.
TOKEN = re.compile(
    r"""\s*+(?:
      (?P<and>&&|AND(?=[\s()"]|\Z))            # a AND b, a && b
    | (?P<or>\|\||OR(?=[\s()"]|\Z))            # a OR b, a || b
    | (?P<not>NOT(?=[\s()"]|\Z)                # NOT a
        | !(?![!=]|\s*+\Z)                     # !a, ! a
        | -(?![-\s)>=]|\Z))                    # -a
    | (?P<plus>\+(?![+\s)=]|\Z))               # +a
    | (?P<open>\()
    | (?P<close>\))
    | (?P<end>\Z)
    | (?P<word>)
    )""",
    re.VERBOSE,
)
# `level`, `@timestamp`, `http.status_code`, `x-request-id`; keys of Kubernetes have a slash: `labels.k8s.io/name`
NAME = re.compile(r"(?:context|metadata|labels|attributes)\.[\w.@/-]+|@?[^\W\d][\w.-]*")
NAMED = re.compile(r":[^\s)]")
# After a name that is known, spaces may stand around the sign: `level : ERROR`, `step >= 5`
SPACED = re.compile(r"\s*+(?::\s*+|(?=[<>]))(?=[^\s)])")
COMPARISON = re.compile(r"(>=|<=|>|<)\s*+")
# `C:\temp`, `C:/temp`, `\\server\share`
DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\(?=\w)")
# `std::vector`, `http://x`, `main.go:42]`, `x.c:7:1:`, `fe80::1%eth0`, `fd00:a:b::1/64`, `aa:bb:cc:dd:ee:ff`
NOT_A_FIELD = re.compile(
    r"[^\s:]*+:(?::|//|\d++(?::\d++)?+[:\],;](?=\s|\Z))"
    r"|(?:[0-9A-Fa-f]{0,4}:){2,}+[0-9A-Fa-f:.*?]*+(?:%[\w.]++)?(?:/\d++)?(?=[\s),;\]]|\Z)"
)
# Up to a space, a quote or a bracket; a backslash takes the next sign with it.
PLAIN = re.compile(r'(?:[^\s\\"()]++|\\.?)*+', re.DOTALL)
PATH = re.compile(r'[^\s")]++')
QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
# `[1 TO 5]`, `{"a b" TO *]`
_END = r'"(?:[^"\\]++|\\.)*+"|[^\s"\]}]++'
RANGE = re.compile(rf"([\[{{])\s*+({_END})\s++TO\s++({_END})\s*+([\]}}])", re.DOTALL)
# Fuzzy words, distances and boosts of Lucene: `roam~`, `roam~0.8`, `jakarta^4`
TUNED = re.compile(r"\w(?:~\d*(?:\.\d+)?|\^\d+(?:\.\d+)?)\Z")
PAIRED = re.compile(r'\\.|"(?:[^"\\]++|\\.)*+"|[()\[\]{}]', re.DOTALL)
UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")

_ESCAPED = re.compile(r'\\([-+&|!(){}\[\]^"~*?:/<>=\\\s])')
_IN_PATTERN = re.compile(r'\\([-+&|!(){}\[\]^"~:/<>=\s])|(\\[*?\\])|(\\)')
_QUOTED_INSIDE = re.compile(r'\\.|("(?:[^"\\]++|\\.)*+")', re.DOTALL)
_BACKSLASH = re.compile(r"\\([^*?])", re.DOTALL)
_WILDCARD = re.compile(r"(?:[^\\*?]++|\\.?)*+[*?]", re.DOTALL)
_CLOSING = {")": "(", "]": "[", "}": "{"}


def has_wildcard(raw: str) -> bool:
    """Whether `raw` has a `*` or `?` without a backslash before it."""
    return ("*" in raw or "?" in raw) and bool(_WILDCARD.match(raw))


def plain(raw: str) -> str:
    r"""The text that `raw` stands for: `\:` is a colon; a backslash before a letter stays, as in `temp\x`."""
    return _ESCAPED.sub(r"\1", raw) if "\\" in raw else raw


def pattern(raw: str) -> str:
    r"""The pattern that `raw` stands for: wildcards stay, and so does the backslash before a plain `*`."""
    if "\\" not in raw:
        return raw
    return _IN_PATTERN.sub(lambda match: match[1] or match[2] or r"\\", raw)


def as_pasted(raw: str) -> str:
    r"""A word whose inner quotes are as programs write them: in `{"a": "\"b\""}` a backslash is one, but for `\*`."""
    if "\\" not in raw or '"' not in raw:
        return raw
    return _QUOTED_INSIDE.sub(lambda part: _doubled(part[1]) if part[1] else part[0], raw)


def _doubled(quoted: str) -> str:
    return _BACKSLASH.sub(lambda sign: r"\\" + sign[1].replace("\\", r"\\"), quoted)


def path_pattern(raw: str) -> str:
    r"""The pattern of a Windows path, whose backslashes are plain: `C:\temp\*.log`."""
    return raw.replace(r"\\", "\\").replace("\\", r"\\")


def pairs(text: str) -> dict[int, int]:
    """Where the bracket that opens at each position closes. Brackets in quotes do not count."""
    found: dict[int, int] = {}
    opened: dict[str, list[int]] = {"(": [], "[": [], "{": []}
    for match in PAIRED.finditer(text):
        sign = match[0]
        if sign in opened:
            opened[sign].append(match.start())
        elif (before := _CLOSING.get(sign)) and opened[before]:
            found[opened[before].pop()] = match.start()
    return found
