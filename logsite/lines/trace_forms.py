"""How traces of several lines look: what begins one, and which line goes on with it.

A trace has a state: its form, and after a colon how far it has come (`python:raised`). With HELD at its end the line
may belong to the trace: only a later line tells.
"""

import re

from logsite.lines.levels import WORDS, has_time, level_of

# What the lines start with that begin or go on with a trace; all others are looked at only within a trace.
PREFIXES = (
    " ",
    "\t",
    "Traceback ",
    "panic: ",
    "goroutine ",
    "fatal error: ",
    "unexpected fault ",
    "SIG",
    "thread '",
    "Stack trace:",
    "Caused by: ",
    "/",
    "node:",
    "file:///",
)
STARTS = frozenset(prefix[0] for prefix in PREFIXES)
HELD = "?"
HEAD = 4096  # characters of a line that are looked at: whoever writes the log decides how long it is

_OPENERS = re.compile(
    r"(?P<python>Traceback \(most recent call last\):|\s++\+ Exception Group Traceback \(most recent)"
    r"|(?P<go>panic: |fatal error: \w|goroutine \d++ (?:\w++=\S++ )*+\[[\w ,()-]++\]:$|SIG[A-Z]{2,5}: "
    r"|unexpected fault address)"
    r"|(?P<rust>thread '[^']*+'(?: \(\d++\))? panicked at )"
    r"|(?P<node>(?:node:|file:///|/)[^\s:]++:\d++$)"
)
_GROUP = re.compile(r"\s++\+ Exception Group Traceback \(")
_GROUP_END = re.compile(r"\s++\+-{4,}+$")
_FRAME = re.compile(
    r"\s++at \S|\s++\.\.\. \d++ (?:more|common frames)|Caused by: \S|\s++Suppressed: \S|\tfrom \S+:\d+:in "
)
_CAUSE = re.compile(r"\s*+(?:Caused by|Suppressed): \S")
_JAVA_FRAME = re.compile(r".*(?:\.(?:java|kt|kts|scala|groovy|clj):\d++|Native Method|Unknown Source)\)")
_NODE_FRAME = re.compile(r".*(?:\.[cm]?[jt]sx?:\d|node:|<anonymous>|native)")
# The first line of an exception, on a line of its own: java.lang.IllegalStateException: no
EXCEPTION = re.compile(
    r"(?:Exception in thread \S.*? |Unhandled exception\. |Uncaught )?"
    r"(?:[A-Za-z_$][\w$]*+[.\\/])*+(?:[A-Za-z_$][\w$]*)?(?:Exception|Error|Throwable)(?:: |:?$| \[)"
)
_QUALIFIED = re.compile(r"(?:[a-z][\w$]*+\.)++[A-Z][\w$]*(?:Exception|Error|Throwable)(?:: |:?$)")
_FILE = re.compile(r'[ >]\s*+File "')
_RAISED = re.compile(r"([A-Za-z_][\w.<>]*+)(?::|$)")
_VALIDATION = re.compile(
    r"[\w.]++: \d++ validation errors? for "
)  # pydantic: a field, and what is wrong with it
# What databases say below the message: SQLAlchemy, psycopg.
_MESSAGE_MORE = re.compile(
    r"\[SQL: |\[parameters: |\[generated in |\(Background on this error at: "
    r"|(?:DETAIL|HINT|CONTEXT|QUERY):  \S|LINE \d++: "
)
_CHAINED = re.compile(r"During handling of the above exc|The above exception was the direct cause")
_GO_MORE = re.compile(
    r"goroutine |runtime(?: stack:|: |\.)|\[signal |\[originating from |panic: |created by "
    r"|exit status \d++$|r\w{1,2} ++0x"
)
_GO_CALL = re.compile(r"[\w$./*%(\[][^\s(]*+\(")
_NODE_MORE = re.compile(r"\}$|Node\.js v\d|Thrown at:$|Require stack:$|- /|\(Use `node ")
_NODE_RAISED = re.compile(r"(?:Uncaught|\[?[A-Za-z_$][\w$.]*(?:Error|Exception|Warning)\b|[A-Z][\w$]*+: )")
_RUST_MORE = re.compile(r"stack backtrace:$|note: ")
_ELIXIR = re.compile(r"\*\* \(|Server: \S++ \(http")
_ELIXIR_FIRST = ("*", "S")
_ELIXIR_MORE = re.compile(
    r"\*\* \(|(?:Request|State|Message|Function|Initial Call|Ancestors): \S|Last message(?: \(|: )|Client #PID"
)
_PHP_MORE = re.compile(r"Stack trace:$|#\d++ |Next [\w\\]++: ")
_BLANKS = (" ", "\t")
_NO_RECORD = ("\t", "    at ", '  File "', "   at ")  # what most lines of traces begin with
_NAMING = ("tr", "fi")  # trace:…, first-word: the rules of lines that may begin with an exception's name


def opened_by(text: str) -> str:
    """The form of the trace that begins with this line; `""`: none is known by its first line alone."""
    match = _OPENERS.match(text, 0, HEAD)
    return str(match.lastgroup) if match else ""


def joins(text: str) -> bool:
    """Whether this beginning of a trace belongs to the logged error before it."""
    return opened_by(text) == "python" or text.startswith("goroutine ") or names_exception(text)


def names_exception(text: str) -> bool:
    """Whether a line is the first one of an exception that a logger of Java or Elixir wrote under its own line."""
    first = text[:1]
    if first.islower():
        return bool(_QUALIFIED.match(text, 0, HEAD))
    return first in _ELIXIR_FIRST and bool(_ELIXIR.match(text))


def may_follow(header: str, rule: str, text: str) -> bool:
    """Whether a line without any of PREFIXES may go on with a severe one: empty, an exception, or its message.

    `rule` is how the severe one's level was found. Most lines are through after the first look.
    """
    if not text or names_exception(text):
        return True
    return rule[:2] in _NAMING and bool(EXCEPTION.match(header, 0, HEAD)) and _is_prose(text)


def is_record(text: str) -> bool:
    """Whether a logger's own entry begins here: a time, or a level that is no exception's name."""
    level, rule = level_of(text)
    if level:
        return not rule.startswith("trace:") and not EXCEPTION.match(text, 0, HEAD)
    return has_time(text)


def form_after(header: str, text: str, *, levelled: bool) -> str:
    """The state of a trace whose first two lines these are, or an empty text where they are strangers.

    Indented lines that are no frames belong to a line that has a level or names an exception; not to JSON.
    """
    if not header.strip() or header[0] in _BLANKS or header[0] == "{" or is_record(text):
        return ""
    exception = bool(EXCEPTION.match(header, 0, HEAD))
    if text[:1] in _BLANKS and text.strip():
        form = _form_of_frame(text)
        return form if form != "text" or levelled or exception else ""
    if text.startswith("Caused by: ") and exception:
        return "java:message"
    if "panic" in header and opened_by(text) == "go":
        return "" if text.startswith("panic: ") else "go"
    if text == "Stack trace:":
        return "php" if "Exception" in header or "Error" in header else ""
    return "java:held?" if exception and levelled and _is_prose(text) else ""


def _form_of_frame(text: str) -> str:
    """The form that a first indented line under a header shows: java, node, dotnet, ruby, or text."""
    text = text[:HEAD]
    if not _FRAME.match(text):
        return "text"
    if text.startswith("\tfrom "):
        return "ruby"
    if _JAVA_FRAME.match(text):
        return "java"
    if _CAUSE.match(text):
        return "java:message"
    return "node:raised" if _NODE_FRAME.match(text) else "dotnet" if text.startswith("   at ") else "java"


def goes_on(state: str, previous: str, text: str) -> str:
    """The state of a trace after the line `text`; an empty text if the line does not belong to the trace.

    `previous` is the line before. A line that may be a logger's own entry never belongs to a trace.
    """
    form, _, part = state.partition(":")
    text = text[:HEAD]
    if not text.startswith(_NO_RECORD) and is_record(text):
        return ""
    return _FORMS[form](form, part, previous, text)


def _is_prose(text: str) -> bool:
    """Whether a line may be one of a message: nothing that begins something else."""
    return not (text.startswith(PREFIXES[2:]) or EXCEPTION.match(text, 0, HEAD) or is_record(text))


def _is_indented(text: str) -> bool:
    return text[:1] in _BLANKS and bool(text.strip())


def _logged(form: str, part: str, previous: str, text: str) -> str:
    """An empty line after a logged error: Spring Boot parts the trace from it so."""
    if not text.strip():
        return "logged?"
    if not joins(text):
        return ""
    return opened_by(text) or ("java:message" if text[0].islower() else "elixir")


def _python(form: str, part: str, previous: str, text: str) -> str:
    """Parts: none before the first frame, `frames`, `raised` (`fields`: of pydantic), `held`, `chained`."""
    if not text.strip():
        return f"python:{part}?"  # loguru has one between frames; so have chained traces
    if part == "chained":
        return "python" if opened_by(text) == "python" else ""
    if text[:1] in _BLANKS:
        return _python_indented(part, not previous.strip(), text)
    if part in ("raised", "fields", "held"):
        return _python_message(part, text)
    if part == "frames" and (raised := _RAISED.match(text)):
        if raised[1].lower() in WORDS and not EXCEPTION.match(text):
            return ""  # INFO:app:next
        return "python:fields" if _VALIDATION.match(text) else "python:raised"
    return "python:frames" if _FILE.match(text) else ""


def _python_indented(part: str, after_blank: bool, text: str) -> str:
    if part == "held":
        return "python:held?"
    if part in ("raised", "fields"):  # a group right under an exception is another trace
        return "" if after_blank or _GROUP.match(text) else f"python:{part}"
    if _GROUP_END.match(text):
        return "python:raised"
    return "python:frames" if not after_blank or _FILE.match(text) else ""


def _python_message(part: str, text: str) -> str:
    """What may follow an exception's first line: the rest of its message, or another trace that it led to."""
    if _CHAINED.match(text):
        return "python:chained"
    if _MESSAGE_MORE.match(text):
        return "python:raised"
    if part == "fields" and " " not in text:
        return "python:fields?"  # a field's name; what is wrong with it is indented
    return "python:held?" if _is_prose(text) else ""


def _frames(form: str, part: str, previous: str, text: str) -> str:
    """Parts: `message` after an exception's first line, `held` after more of its message, none within the frames."""
    if text.startswith(("\tat ", "    at ")):
        return _form_of_frame(text) if part else form
    if _CAUSE.match(text):
        return f"{form}:message"
    if text.startswith("--- End of "):
        return form
    if _is_indented(text) and _FRAME.match(text):
        return _form_of_frame(text) if part else form
    if part == "held" or (part and not _is_indented(text)):
        return f"{form}:held?" if _is_prose(text) else ""
    return f"{form}:{part}".rstrip(":") if _is_indented(text) and previous.strip() else ""


def _node(form: str, part: str, previous: str, text: str) -> str:
    """Parts: none before the exception's own line, `raised` after it."""
    if not text.strip():
        return f"node:{part}?"
    if text[:1] in _BLANKS or _NODE_MORE.match(text):
        return f"node:{part}".rstrip(":")
    return "node:raised" if part != "raised" and not previous.strip() and _NODE_RAISED.match(text) else ""


def _go(form: str, part: str, previous: str, text: str) -> str:
    if not text.strip():
        return "go?"
    if text[:1] in _BLANKS or _GO_MORE.match(text):
        return "go"
    follows = previous[:1] in _BLANKS or previous.endswith(("]:", "stack:"))
    return "go" if follows and text.endswith(")") and _GO_CALL.match(text) else ""


def _rust(form: str, part: str, previous: str, text: str) -> str:
    """Parts: none before the message is whole, then `frames`."""
    if _RUST_MORE.match(text):
        return "rust:frames"
    if part != "held" and _is_indented(text) and previous.strip():
        return f"rust:{part}"
    if not part and " panicked at " in previous and previous.endswith(":"):
        return "rust:message"
    return "rust:held?" if part in ("message", "held") and _is_prose(text) else ""


def _php(form: str, part: str, previous: str, text: str) -> str:
    return "php" if (_is_indented(text) and previous.strip()) or _PHP_MORE.match(text) else ""


def _elixir(form: str, part: str, previous: str, text: str) -> str:
    return "elixir" if _is_indented(text) or _ELIXIR_MORE.match(text) else ""


def _indented(form: str, part: str, previous: str, text: str) -> str:
    return form if _is_indented(text) and previous.strip() else ""


_FORMS = {
    "logged": _logged,
    "python": _python,
    "java": _frames,
    "dotnet": _frames,
    "ruby": _indented,
    "node": _node,
    "go": _go,
    "rust": _rust,
    "php": _php,
    "elixir": _elixir,
    "text": _indented,
}
