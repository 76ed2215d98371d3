"""How traces of several lines look: what begins one, and which line goes on with it."""

import re

# What the lines start with that begin or go on with a trace; all others are looked at only within a trace.
PREFIXES = (
    " ", "\t", "Traceback ", "panic: ", "goroutine ", "fatal error: ", "unexpected fault ", "SIG", "thread '",
    "Stack trace:", "Caused by: ", "/", "node:", "file:///",
)  # fmt: skip
STARTS = frozenset(prefix[0] for prefix in PREFIXES)

_OPENERS = re.compile(
    r"(?P<python>Traceback \(most recent call last\):|\s+\+ Exception Group Traceback \(most recent)"
    r"|(?P<go>panic: |fatal error: \w|goroutine \d+ (?:\w+=\S+ )*\[[\w ,()-]+\]:$|SIG[A-Z]{2,5}: "
    r"|unexpected fault address)"
    r"|(?P<rust>thread '[^']*'(?: \(\d+\))? panicked at )"
    r"|(?P<node>(?:node:|file:///|/)[^\s:]+:\d+$)"
)
_GROUP = re.compile(r"\s+\+ Exception Group Traceback \(")
_FRAME = re.compile(
    r"\s+at \S|\s+\.\.\. \d+ (?:more|common frames)|Caused by: \S|\s+Suppressed: \S|\tfrom \S+:\d+:in "
)
_JAVA_FRAME = re.compile(r".*(?:\.(?:java|kt|kts|scala|groovy|clj):\d+|Native Method|Unknown Source)\)")
_NODE_FRAME = re.compile(r".*(?:\.[cm]?[jt]sx?:\d+|node:|<anonymous>|native)")
# The first line of an exception, on a line of its own: java.lang.IllegalStateException: no
EXCEPTION = re.compile(
    r"(?:Exception in thread \S.*? |Unhandled exception\. |Uncaught )?"
    r"(?:[A-Za-z_$][\w$]*[.\\/])*[A-Za-z_$][\w$]*(?:Exception|Error|Throwable)(?:: |:?$| \[)"
)
_QUALIFIED = re.compile(r"(?:[a-z][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Throwable)(?:: |:?$)")
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?::|$)")
_CHAINED = re.compile(
    r"During handling of the above exc|The above exception was the direct cause|Traceback \(most "
)
_GO_MORE = re.compile(
    r"goroutine |runtime(?: stack:|: |\.)|\[signal |\[originating from |panic: |created by "
    r"|exit status \d+$|r\w{1,2} +0x"
)
_GO_CALL = re.compile(r"[\w$./*%(\[][^\s(]*+\(")
_NODE_MORE = re.compile(r"\}$|Node\.js v\d|Thrown at:$|Require stack:$|- /|\(Use `node ")
_NODE_RAISED = re.compile(r"(?:Uncaught|\[?[A-Za-z_$][\w$.]*(?:Error|Exception|Warning)\b|[A-Z][\w$]*: )")
_RUST_MORE = re.compile(r"stack backtrace:$|note: |  ")
_PHP_MORE = re.compile(r"Stack trace:$|#\d+ |Next [\w\\]+: ")
_BLANKS = (" ", "\t")


def opened_by(text: str) -> str:
    """The form of the trace that begins with this line; `""`: none is known by its first line alone."""
    match = _OPENERS.match(text)
    return str(match.lastgroup) if match else ""


def joins(text: str) -> bool:
    """Whether this beginning of a trace belongs to the logged error before it."""
    return opened_by(text) == "python" or text.startswith("goroutine ") or names_exception(text)


def names_exception(text: str) -> bool:
    """Whether a line is the first one of a Java exception that a logger wrote under its own line."""
    return text[:1].islower() and bool(_QUALIFIED.match(text))


def form_after(header: str, text: str, *, levelled: bool) -> str:
    """The form of a trace whose first two lines these are, or an empty text where they are strangers.

    Indented lines that are no frames belong to a line that has a level or names an exception; not to JSON.
    """
    if not header.strip() or header[0] in _BLANKS or header[0] == "{":
        return ""
    if text[:1] in _BLANKS:
        form = _form_of_frame(text)
        return form if form != "text" or (text.strip() and (levelled or EXCEPTION.match(header))) else ""
    if text.startswith("Caused by: ") and EXCEPTION.match(header):
        return "java"
    if "panic" in header and opened_by(text) == "go":
        return "" if text.startswith("panic: ") else "go"
    return "php" if text == "Stack trace:" and ("Exception" in header or "Error" in header) else ""


def _form_of_frame(text: str) -> str:
    """The form that a first indented line under a header shows: java, node, dotnet, ruby, or text."""
    if not _FRAME.match(text):
        return "text"
    if text.startswith("\tfrom "):
        return "ruby"
    if _JAVA_FRAME.match(text) or text.startswith("Caused by"):
        return "java"
    return "node" if _NODE_FRAME.match(text) else "dotnet" if text.startswith("   at ") else "java"


def goes_on(form: str, previous: str, text: str) -> bool:
    """Whether `text` belongs to a trace of this form whose last line is `previous`."""
    if text[:1] in _BLANKS and text.strip():
        if form == "python" and previous[:1] not in _BLANKS and _GROUP.match(text):
            return not previous.strip() or bool(_CHAINED.match(previous))
        return bool(previous.strip()) or form in ("node", "go")
    return _FORMS[form](previous, text)


def _python(previous: str, text: str) -> bool:
    if text.startswith("Traceback ") and previous.strip():
        return bool(_CHAINED.match(previous))  # right under an exception it is another trace
    if not text.strip() or _CHAINED.match(text):
        return True
    return previous[:1] in _BLANKS and bool(_RAISED.match(text))


def _frames(previous: str, text: str) -> bool:
    return text.startswith(("Caused by: ", "Suppressed: ", "--- End of "))


def _node(previous: str, text: str) -> bool:
    if not text.strip() or _NODE_MORE.match(text):
        return True
    return not previous.strip() and bool(_NODE_RAISED.match(text))


def _go(previous: str, text: str) -> bool:
    if not text.strip() or _GO_MORE.match(text):
        return True
    follows = previous[:1] in _BLANKS or previous.endswith(("]:", "stack:"))
    return follows and text.endswith(")") and bool(_GO_CALL.match(text))


def _rust(previous: str, text: str) -> bool:
    return bool(_RUST_MORE.match(text)) or (" panicked at " in previous and previous.endswith(":"))


def _php(previous: str, text: str) -> bool:
    return bool(_PHP_MORE.match(text))


def _text(previous: str, text: str) -> bool:
    return False


_FORMS = {
    "python": _python, "java": _frames, "dotnet": _frames, "ruby": _text, "node": _node, "go": _go,
    "rust": _rust, "php": _php, "text": _text,
}  # fmt: skip
