"""Queries that nobody would write, the same in every run."""

import random
from collections.abc import Iterator

SIGNS = list(
    "()[]{}\"'\\*?:;,.<>=!-+&|~^/@#%$_ \t\n\r\x0b\x1c\x85\xa0\u2028\u3000\u202e\ufeff0aAzZßİıΣ\u212a错🔥\ue000\u0345"
)
PIECES = [
    "AND",
    "OR",
    "NOT",
    "TO",
    "&&",
    "||",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\",
    "*",
    "?",
    ":",
    ">",
    ">=",
    "<",
    "level",
    "level:",
    "count:",
    "app:",
    "message:",
    "duration:",
    "timestamp:",
    "seen_at:",
    "address:",
    "uid:",
    "status:",
    "secret:",
    "context.",
    "context.user_id:",
    "path:",
    "tags:",
    "price:",
    "http.method:",
    "_exists_:",
    "@timestamp:",
    "boom",
    "connection",
    "web-1",
    "ERROR",
    "failed",
    "5",
    "-5",
    "1.5",
    "1e999",
    "9" * 30,
    "9" * 5000,
    "0x1f",
    "NaN",
    "2026-01-15",
    "9999-12-31T23:59:59.999999999Z",
    "0001-01-01T00:00:00+23:59",
    "now-999999w",
    "10.0.0.0/8",
    "::1",
    "::/0",
    "06787c15*",
    "%s",
    "%(x)s",
    "'; DROP TABLE toys_toy; --",
    "' OR 1=1",
    "{0}",
    "\\'",
    "\x01",
    "\x7f",
    "a" * 300,
    "[1 TO 5]",
    "{* TO *}",
    "[a TO *}",
    " ",
    " ",
    " ",
    " ",
]


def hostile(count: int, seed: int) -> Iterator[str]:
    """Signs, pieces of the language, and queries with a sign changed."""
    seeded = random.Random(seed)
    last = "boom"
    for _ in range(count):
        kind = seeded.randrange(4)
        if kind == 0:
            last = "".join(seeded.choices(SIGNS, k=seeded.randrange(1, 30)))
        elif kind == 1:
            last = "".join(chr(_code_point(seeded)) for _ in range(seeded.randrange(1, 20)))
        elif kind == 2:
            last = "".join(seeded.choices(PIECES, k=seeded.randrange(1, 12)))
        else:
            place = seeded.randrange(len(last) + 1)
            last = last[:place] + seeded.choice(SIGNS) + last[place + seeded.randrange(2) :]
        yield last


def _code_point(seeded: random.Random) -> int:
    """Lone surrogates and NUL among them."""
    return seeded.choice(
        (seeded.randrange(0x80), seeded.randrange(0x3000), seeded.randrange(0xD7F0, 0xE010), 0)
    )


LEAVES = [
    "boom",
    "connection",
    '"connection refused"',
    "conn*",
    "*o*",
    "10.0.0.1",
    "foo-bar",
    "错",
    "t?me*",
    "level:ERROR",
    "level:>=WARNING",
    "level:<INFO",
    "NOT level:*",
    "app:web*",
    "app:web-1",
    "app:[a TO web}",
    "app:>=b",
    "status:failed",
    "count:>2",
    "count:[1 TO 3}",
    "count:*",
    "count:5",
    "duration:<=1.5",
    "duration:*",
    "timestamp:>2026-01-15T10:40",
    "timestamp:[2026-01-15T10:31 TO 2026-01-15T10:45]",
    "seen_at:*",
    "seen_at:2026-01-15",
    "address:10.0.0.0/24",
    "address:2001:db8::1",
    "address:*1",
    "uid:06787c15*",
    "uid:*",
    "path:/health*",
    "user_id:42",
    "user_id:>5",
    "tags:core",
    "admin:true",
    "admin:*",
    "http.method:GET",
    "price:[1 TO 10]",
    "nothing:*",
    "empty:*",
    "detail:connection",
    "detail:*",
    "detail:no*",
    "message:*",
    "*",
    "context.a:1",
    "when:<2027",
]


def tree(seeded: random.Random, depth: int) -> str:
    """A query of the leaves above, with operators and groups."""
    if depth == 0 or seeded.random() < 0.3:
        return seeded.choice(LEAVES)
    parts = [tree(seeded, depth - 1) for _ in range(seeded.randrange(1, 4))]
    inner = seeded.choice((" ", " AND ", " OR ", " && ", " || ")).join(parts)
    return seeded.choice(("", "NOT ", "-", "!")) + f"({inner})"
