"""Where the response to a command begins, and where it ends.

A response ends at the device's prompt. But a response may contain text that looks like the prompt (`description
to rtr01#`), and a pause after that text proves nothing. So LogSite sends an empty command: if the device
returns a prompt and nothing else, the device had been waiting for a command. A device that is still busy
handles the empty command after the rest of the response; the prompts of such commands are counted and removed.
"""

import re
from collections.abc import Callable

from devices.connectors.terminal.screen import CODE, Screen, seen

QUIET = 0.03  # seconds without a word after which the prompt as it was last may be an answer's end
QUIET_OTHERWISE = 0.15  # the same for what only looks like a prompt
QUIET_UNECHOED = 0.5  # the same as long as the command's echo has not come
SETTLED = 0.05  # seconds without a word behind the prompt of the empty command
ASK_AGAIN = 2.0  # seconds after which an empty command counts as lost

ENDS = "#>$%]"  # what a prompt ends with
LONGEST_EXTRA = 80  # characters that a prompt of another mode may have beside the host's name
NAME = 12  # characters of the host's name that are in every prompt of it: some modes shorten it
# What some devices show above each prompt: [edit], {master:0}, *[gl:/configure], --{ running }--[ ]--
CONTEXT = re.compile(
    r"[*!+-]{0,2}(?:\{[\w :*+-]{1,40}\})?(?:\[[^\]]{0,200}\])?|--\{[^}]{0,200}\}--\[[^\]]{0,200}\]--"
)
DIGITS = re.compile(r"[0-9]+")
BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
LATE_PROMPTS = 3  # lines that may come before the echo
NARROWEST = 20  # columns at which a device wraps the echo
SCROLLED = 10  # characters of a long command that its echo shows at least, where the device scrolls the line
LONGEST_HEAD = 8192  # characters in which the echo is looked for


def same_prompt(prompt: str) -> re.Pattern[str]:
    """`prompt`, and the same with other numbers: some count the commands, or tell the time."""
    return re.compile(DIGITS.sub(lambda _: "[0-9]+", re.escape(prompt)))


class Dialogue:
    """One command and its response.

    `prompt` is the last prompt seen, or empty; `host` the part of it that does not change. Call `feed` with what the
    device says. When the device has been silent for `patience` seconds call `silence`, which returns whether to type
    an empty command, or None if it is too early for that. `check` is called with the size of what is kept.
    """

    def __init__(
        self,
        command: str,
        prompt: str,
        host: str,
        *,
        echoed: bool = True,
        check: Callable[[int], None] = lambda size: None,
    ) -> None:
        self.prompt, self.ended = prompt, False
        self._host, self._check = host, check
        self._screen = Screen()
        self._echo: Echo | None = Echo(command, prompt) if command.strip() else None
        self._wait_for_echo = echoed
        self._asked = 0  # empty commands, since the command
        self._asked_at = ""  # the prompt at which the last one was typed
        self._mark: tuple[int, int] | None = None  # where the text stood then
        self._said_since = 0  # characters
        self._confirmed = False

    @property
    def echoed(self) -> bool:
        """Whether the command's echo has come."""
        return self._echo is None

    def feed(self, text: str) -> None:
        self._said_since += len(text)
        if self._echo is not None:
            text, found = self._echo.behind(text)
            if found:
                self._echo, self._mark, self._screen = None, None, Screen()
        self._screen.feed(text)
        self._check(self._screen.size)
        self._confirmed = self._mark is not None and self._only_prompts_since(self._mark)

    @property
    def patience(self) -> float | None:
        if self._confirmed:
            return SETTLED
        candidate = self._candidate()
        if not candidate:
            return None
        if self._mark is not None and not self._said_since:
            return ASK_AGAIN
        if self._wait_for_echo and not self.echoed:
            return QUIET_UNECHOED
        return QUIET if self._is_known(self._screen.last.strip()) else QUIET_OTHERWISE

    def silence(self) -> bool:
        """The device has been silent for `patience` seconds. Whether to type an empty command; else it is the end."""
        candidate = self._candidate()
        if self._confirmed:
            self.prompt, self.ended = candidate, True
            return False
        self._mark, self._asked_at = self._screen.place(), candidate
        self._asked += 1
        self._said_since = 0
        return True

    def _is_known(self, line: str) -> bool:
        return bool(self.prompt) and bool(same_prompt(self.prompt).fullmatch(line))

    def _candidate(self) -> str:
        """What may be the device's prompt at the end of what it has said; or nothing."""
        line = self._screen.last.strip()
        if not line or self._is_known(line):
            return line
        if self.prompt and line.endswith(self.prompt):
            return self.prompt
        named = self._host[:NAME] in line and len(line) <= len(self._host) + LONGEST_EXTRA
        return line if named and line[-1] in ENDS else ""

    def _only_prompts_since(self, mark: tuple[int, int]) -> bool:
        """Whether the last empty command has brought its prompt, and nothing else."""
        since = self._screen.since(mark)
        if since is None:
            return False
        prompt = same_prompt(self._asked_at)
        if not since.strip():  # perhaps painted over the one before
            return self._said_since >= len(self._asked_at) and self._screen.last.strip().endswith(
                self._asked_at
            )
        *lines, last = (line.strip() for line in since.split("\n"))
        return bool(prompt.fullmatch(last)) and all(
            CONTEXT.fullmatch(line) or prompt.fullmatch(line) for line in lines
        )

    # --- what was said ---

    def said(self) -> str:
        """All of it so far, but for its last line, which may be cut."""
        return self._screen.text().rpartition("\n")[0]

    def answer(self, *, with_prompt: bool = False) -> str:
        """The text between the echo and the prompt."""
        text, above = self._screen.text().rstrip(), ""
        for number in range(1 + self._asked):
            end = text if number == 0 else self._without_context(text)
            before = self._before_prompt(end)
            if before is None:
                break
            above = text[len(end) :].partition("\n")[2]  # what this device shows with each prompt
            text = before
        return text + self.prompt if with_prompt else text.removesuffix(above).removesuffix("\n")

    def _before_prompt(self, text: str) -> str | None:
        """`text` without the prompt at its end; None if it has no prompt there."""
        start = text.rfind("\n") + 1
        if self._is_known(text[start:].strip()):
            return text[:start]
        return text.removesuffix(self.prompt) if text.endswith(self.prompt) else None

    def _without_context(self, text: str) -> str:
        """`text` without the blanks, and the lines that stand above a prompt, at its end."""
        while True:
            text = text.rstrip()
            start = text.rfind("\n") + 1
            line = text[start:].strip()
            if not line or self._is_known(line) or not CONTEXT.fullmatch(line):
                return text
            text = text[:start]


class Echo:
    """Looks for the command in what the device says first.

    The device may wrap it, paint it again, scroll it, or put late prompts before it.
    """

    def __init__(self, command: str, prompt: str) -> None:
        self._command = _squeezed(command)
        late = same_prompt(_squeezed(prompt)).pattern if prompt else ""
        self._with_prompts = re.compile(f"(?:{late})*")
        self._lines = 1 + LATE_PROMPTS + len(command) // NARROWEST
        self._head: str | None = ""

    def behind(self, text: str) -> tuple[str, bool]:
        """`text`, or, once the echo is found in all that has come, what stands behind it, and True."""
        if self._head is None:
            return text, False
        self._head += text
        position = -1
        for _ in range(self._lines):
            position = self._head.find("\n", position + 1)
            if position < 0:
                break
            if self._is_echo(self._head[:position]):
                return self._head[position + 1 :], True
        if position >= 0 or len(self._head) > LONGEST_HEAD + len(self._command):
            self._head = None
        return text, False

    def _is_echo(self, head: str) -> bool:
        shown = seen(head)
        for text in (_squeezed(head), _squeezed(shown)):
            late = self._with_prompts.match(text)
            if text == self._command or (late and text[late.end() :] == self._command):
                return True
        tail = _squeezed(shown.rpartition("\n")[2]).partition("$")[2]
        return len(tail) >= SCROLLED and self._command.endswith(tail)


def _squeezed(text: str) -> str:
    return BLANK.sub("", CODE.sub("", text))
