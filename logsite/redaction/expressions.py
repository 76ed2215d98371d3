"""What the expressions of `patterns.py` are made of, and the keywords that mean a credential everywhere."""

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """Runs on lines in which one of `stems` stands, and one of `needs` where there are any: all in small letters.

    Looking for a text costs a thirtieth of running an expression.
    """

    kind: str
    stems: tuple[str, ...]
    pattern: re.Pattern[str]
    needs: tuple[str, ...] = ()


class Block(NamedTuple):
    """Lines that hold a secret only between an opening and a closing line."""

    kind: str
    stem: str
    opening: re.Pattern[str]
    closing: re.Pattern[str]
    secret: re.Pattern[str]


GAP = r"[ \t]++"
# Where a command may begin: a line, a prompt, a log message about a command, printed bytes, an escaped line.
LEAD = r"(?:^|[#>$%|+\r]|\bb['\"]|command:|\\[nr])[ \t]*+(?:[-+][ \t]*+)?(?:no[ \t]++|do[ \t]++)?"
TYPE_WORDS = (
    r"1[0-5]|8a|[0-9]|\*|type-?6|type7|unencrypted|encrypted|clear-?text|clear|plain-?text|plain|ascii-text|ascii|"
    r"hexadecimal|hex|irreversible-cipher|reversible|cipher|simple|hash2?|md5|hmac-[\w-]{3,20}|"
    r"sha-?[0-9-]{1,7}|ciphertext|ENC|text|pbkdf2|psk|pass-?phrase|password|value"
)
TYPE = rf"(?:(?:{TYPE_WORDS})[ \t]++(?=\S))*+"
# Not part of a bare value: the escaped end of a line in a repr, and the quote that closes the surrounding text.
ESCAPED = r"""\\(?!\r?$|[nr](?:['"\\\s]|$))[^\s]?"""
BARE = rf"""((?:[^\s\\'"]|{ESCAPED}|['"](?=\S)(?![,;)\]}}]+(?:\s|$)))++)"""
VALUE = rf"""(?:"((?:[^"\\\r\n]|\\[^\r\n])++)"?|'([^'\r\n]++)'|{BARE})"""
# A value after `name=` ends at a separator only where another `name=` follows, so that no tail leaks.
ASSIGNED = (
    r"""(?:\\?(?:[bru]{1,2}(?=["']))?+(?:"((?:[^"\\\r\n]|\\[^"\r\n])++)|'([^'\r\n]++)')|"""
    rf"""(?!"|'')((?:[^\s&;,"'<\\]|["'](?=[^\s,;:)\]}}<>/&|\\])|"""
    rf"""[&;,](?!["'\s]{{0,3}}[\w.-]{{1,40}}["']?[=:])|{ESCAPED})++))"""
)
END = (
    r"(?=[ \t\r;,]*(?:$|[|#])|['\"\\]|"
    r"[ \t]++(?:encrypted|nt-encrypted|pbkdf2|hash2?|privilege|role|level|hidden)\b)"
)

# Words that follow «password», «secret» or «key» in prose, in command help and in harmless commands.
PROSE = (
    r"a|accepted|access|add|again|age|aging|alert|alphabet-checking|also|and|are|as|at|attempts?|auth|"
    r"authentication|based|before|but|by|can|cannot|case|chains?|change-\w+|changed?|changes|characters?|chars|"
    r"check|common|compat|complexity\S*|config|config-key|configuration|configured|control|could|days?|data|db|default|"
    r"chauthtok|delete|digits|disabled?|does|enabled?|encryption\S*|entered|entry|error|exchange|expir\w+|failed|failure|"
    r"false|fields?|files?|for|format|from|given|has|hash|hashes|hashing|have|history\S*|hours?|id|if|in|"
    r"incorrect|invalid|is|key-?chain|length|less|letters|level|local|lockout|login|management|manager|"
    r"match|matches|maximum\S*|may|min-length|minimum\S*|minutes?|mismatch|missing|mode|months?|must|name|"
    r"need\S*|never|new|non-\S+|no|none|not|null|of|off|ok|old|on|only|option|or|pairs?|policy|policies|prompts?|"
    r"protected|protection|quality|recovery|rejected|repetition|requests?|required|requirements?|reset|retry|"
    r"ring|rotated?|rotation|rule|same|seconds?|sent|set|settings?|should|size|strength\S*|store|storage|"
    r"string|successfully|sync|systemd|sss|than|that|the|this|times?|to|too|true|type|types|until|updated?|"
    r"usage|used|users?|uses|using|verification|verified|via|violation|was|weeks?|were|when|which|will|with|"
    r"without|wrong|yes|your"
)
NOT_PROSE = (
    rf"(?!(?:{PROSE})(?:[\s:;,.!?)\]'\"}}]|$))"
    r"(?![{}|=<(\[\])?:;,.*]+(?:[\s'\"]|$))(?!<[\w*-]+>|\$\{[\w:-]+\}|\([^\s)]{1,40}\)|[\w-]{1,30}[ \t]+=[ \t])"
    r"(?!\"?-----BEGIN|/\S+\.(?:key|pem|crt)\b)"
)
IP = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+)(?:[\s/'\"]|$)"
CONFIG_VALUE = rf"{TYPE}{NOT_PROSE}{VALUE}"


def rule(kind: str, stems: str, expression: str, needs: str = "") -> Rule:
    pattern = re.compile(expression, re.IGNORECASE | re.MULTILINE | re.ASCII)
    return Rule(kind, tuple(stems.split()), pattern, tuple(needs.split()))


def exact(kind: str, stems: str, expression: str) -> Rule:
    """A rule in which case matters; a literal beginning makes its search over a whole text cheap."""
    return Rule(kind, tuple(stems.split()), re.compile(expression, re.MULTILINE | re.ASCII))


# Keywords that mean a credential in every vendor's language: kind, stems, words.
KEYWORDS = (
    ("psk", "psk share", r"psksecret|(?:wpa2?-)?pre-?shared[-_]?key|pre-shared-secret|shared[-_]?secret|psk"),
    ("passphrase", "passphrase", r"passphrase"),
    ("private-key", "private", r"private[-_]?key"),
    ("password", "passw passcode", r"passw(?:or)?d|passcode|passwort"),
    ("secret", "secret", r"secret(?:[-_]?(?:access[-_]?)?key)?"),
    (
        "key",
        "-key _key apikey keystring key-string",
        r"(?:api|auth|access|encryption|account|authentication|server|session|shared|storage|master|client|"
        r"signing|license|tcp-md5|md5|plaintext)[-_]key|apikey|keystring|key-string|static-key-[0-3]",
    ),
    (
        "token",
        "token",
        r"(?:access|auth|refresh|api|bearer|id|session|csrf|bot|private|deploy|security|x-auth)[-_]?token",
    ),
)


def keyword_rules(kind: str, stems: str, words: str) -> list[Rule]:
    """The forms a keyword takes: assignment, `set … word VALUE`, XML element, option, `some-word VALUE`."""
    forms = [
        (
            rf"(?:{words})\d?\\?[\"']?[ \t]*+(?:=>|::?|=(?![ \t]++[\w-]{{1,40}}=))[ \t]*+{NOT_PROSE}{ASSIGNED}",
            "= :",
        ),
        (
            rf"{LEAD}set{GAP}(?:\S++{GAP}){{0,14}}?[\w-]{{0,40}}?(?:{words})(?:-value)?{GAP}{CONFIG_VALUE}{END}",
            "set",
        ),
        (rf"<[\w:.-]{{0,40}}?(?:{words})(?:[ \t][^>\n]{{0,200}}+)?>([^<\n]++)<", "<"),
        (rf"(?<=--)[a-z-]{{0,20}}?(?:{words}){GAP}(?!-){VALUE}", "--"),
    ]
    if kind in ("password", "secret", "passphrase"):
        forms.append((rf"(?<=[a-z0-9][-_])(?:{words}){GAP}(?:{TYPE}(?!{IP})){CONFIG_VALUE}{END}", "- _"))
    return [rule(kind, stems, form, needs) for form, needs in forms]
