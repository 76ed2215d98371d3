"""Which commands only read: a whole command against its platform's allow-list.

The lists are data (`read_only` in devices/platforms/*.toml): regular expressions that must match all of a
command. A command line of a network device may end in filters (`| include …`), of which only those that write
nothing are known here. On Linux the command is taken apart as a shell would and put together again with every
word quoted, so that what was looked at is what runs.
"""

import re
import shlex
from functools import cache

from devices.platforms import Platform

LONGEST = 1000  # characters
WORD = r"[A-Za-z0-9_:*/.][A-Za-z0-9_:*/.,@%+=-]*"
SUPPORT_DUMP = (
    r"te(?:c(?:h\S*)?)?"  # show tech-support: some platforms write it to a file, all are busy with it
)
TO_FILE = r"(?!.* to-(?:f\S*)?(?: |$))"  # IOS-XE: show logging process … to-file flash:x
STANDS_FOR = {
    "<words>": rf"(?: {WORD})*",
    "<subject>": rf"(?! {SUPPORT_DUMP}(?: |$)){TO_FILE}(?: {WORD})*",
    "<word>": WORD,
    "<name>": r"[A-Za-z0-9_][A-Za-z0-9_.:/@%+,*-]*",
    "<host>": r"[A-Za-z0-9:][A-Za-z0-9_.:%-]{0,252}",
    "<value>": r"[A-Za-z0-9_.:/,@%+=*-]+",
    "<count>": r"(?:[1-9][0-9]?|100)",
    "<size>": r"[1-9][0-9]{1,3}",
}
PATTERN = r"""[A-Za-z0-9 ._:/,@%+*="'^$\[\]()-]+"""
FILTER = re.compile(
    rf"(?:i|incl?|include|excl?|exclude|beg|begin|sec|section|match|except|find) {PATTERN}"
    r"""|e?grep(?: -[ivc])* (?:"[^"-][^"]*"|'[^'-][^']*'|[^ "'-][^ "']*)"""  # a second word would be a file
    r"|count|no-more|last [0-9]{1,5}|display (?:set|json|xml|detail)|json|xml"
)
ARGUMENT = re.compile(r"[A-Za-z0-9_.:/,@%+=*-][A-Za-z0-9_.:/,@%+=* -]*")


class Refused(ValueError):
    """The command may not be run; the text says why."""


def single_line(command: str) -> str:
    """The command without blanks around it. Raises Refused for what nobody may send: more than one line,
    control characters, nothing at all."""
    text = command.strip(" ")
    if not text:
        raise Refused("the command is empty")
    if len(text) > LONGEST:
        raise Refused(f"the command is longer than {LONGEST} characters")
    if not text.isprintable():
        raise Refused("the command contains a line break, a tab or another control character")
    return text


def read_only(platform: Platform, command: str) -> str:
    """The text to send for a command that only reads. Raises Refused for every other command."""
    text = single_line(command)
    if not text.isascii():
        raise Refused("the command contains characters outside ASCII")
    if "//" in text:
        raise Refused("the command names another machine (//)")
    if is_shell(platform):
        return _arguments(platform, text)
    if "$(" in text:
        raise Refused("the command contains $(")
    first, *filters = (" ".join(part.split()) for part in text.split("|"))
    for each in filters:
        if not FILTER.fullmatch(each):
            raise Refused(f"the filter {each!r} is not on the list of read-only filters")
    _match(platform, first)
    return text


def is_shell(platform: Platform) -> bool:
    """Whether a command goes to a program of the host's, not to a command line of the vendor's."""
    return platform.netmiko == "linux"


def _arguments(platform: Platform, text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Refused(f"the quotes of the command do not match: {error}") from None
    for word in words:
        if not ARGUMENT.fullmatch(word):
            raise Refused(f"{word!r} has characters that no read-only command needs")
    _match(platform, " ".join(word.replace(" ", "_") for word in words))
    return shlex.join(words)


def _match(platform: Platform, text: str) -> None:
    if not _pattern(platform).fullmatch(text):
        raise Refused(f"not on the list of read-only commands of {platform.name}")


@cache
def _pattern(platform: Platform) -> re.Pattern[str]:
    """Raises re.error for a list that is none; a system check finds it first."""
    alternatives = []
    for expression in platform.read_only:
        for name, meaning in STANDS_FOR.items():
            expression = expression.replace(name, meaning)
        alternatives.append(f"(?:{expression})")
    return re.compile("|".join(alternatives) or r"(?!)")


def check_list(platform: Platform) -> None:
    """Raises re.error when the platform's list cannot be used."""
    _pattern(platform)
