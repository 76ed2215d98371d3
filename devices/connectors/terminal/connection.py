"""Netmiko's base of all connections, with its reading put right.

It stands between the class of a vendor and Netmiko's BaseConnection, so that what a vendor's class does around a
command still happens.
"""

import re
import time
from inspect import signature
from typing import Any

from django.conf import settings
from netmiko import BaseConnection
from netmiko.channel import Channel
from netmiko.exceptions import ReadTimeout
from netmiko.utilities import structured_data_converter

from devices.connectors.terminal.channel import device_channel
from devices.connectors.terminal.dialogue import CONTEXT, ENDS, Dialogue
from devices.connectors.terminal.screen import CODE, Screen, seen
from devices.errors import ResponseTooLarge

PROMPT = "(?!)the device's prompt, as Dialogue knows it"  # matches nothing
PENDING = 0.05  # seconds for what is on its way before a prompt is asked for
WAKE = 1.0  # seconds after which a device that shows no prompt is asked again
MORE_ARGUMENTS = tuple(signature(BaseConnection.send_command).parameters)[4:]
# The arguments of Netmiko's that ask for an answer to be parsed.
PARSING = ("use_textfsm", "use_ttp", "use_genie", "textfsm_template", "ttp_template", "raise_parsing_error")


class Unanswered(ReadTimeout):
    """No prompt came in time; `said` is what came instead."""

    said = ""


class TerminalConnection(BaseConnection):
    """An answer ends where Dialogue says, is what Screen shows, and is no larger than the limit."""

    _prompt = ""  # as it was seen last
    _echoes = True
    _as_sent = False  # whether `read_channel` leaves the text as it came

    @property
    def channel(self) -> Any:
        return self._channel

    @channel.setter
    def channel(self, channel: Channel) -> None:
        self._channel = device_channel(channel, settings.DEVICE_RESPONSE_LIMIT)

    def send_command(
        self,
        command_string: str,
        expect_string: str | None = None,
        read_timeout: float = 10.0,
        *args: Any,
        **options: Any,
    ) -> Any:
        """Netmiko's, with its arguments; where an `expect_string` is given, its own."""
        self.channel.begin()
        options |= zip(MORE_ARGUMENTS, args, strict=False)
        if expect_string not in (None, PROMPT):
            output = super().send_command(command_string, expect_string, read_timeout, **options)
            return seen(output) if isinstance(output, str) else output
        timeout = self.read_timeout_override or read_timeout
        dialogue = self._ask(command_string, timeout, normalize=options.get("normalize", True))
        answer = dialogue.answer(with_prompt=not options.get("strip_prompt", True))
        if not options.get("strip_command", True):
            answer = f"{command_string.strip()}\n{answer}"
        parsing = {name: options[name] for name in PARSING if name in options}
        return structured_data_converter(
            command=command_string, raw_data=answer, platform=self.device_type, **parsing
        )

    def _ask(self, command: str, timeout: float, *, normalize: bool) -> Dialogue:
        """Type `command`, and listen until its answer has ended. Raises Unanswered, ResponseTooLarge."""
        dialogue = Dialogue(
            command, self._prompt, self.base_prompt.strip(), echoed=self._echoes, check=self.channel.check
        )
        self._discard_pending()
        self.write_channel(self.normalize_cmd(command) if normalize else command)
        try:
            self._listen(dialogue, time.monotonic() + timeout)
        except (Unanswered, ResponseTooLarge) as error:
            error.said = dialogue.said()
            raise
        self._prompt = dialogue.prompt
        if command.strip():
            self._echoes = dialogue.echoed
        return dialogue

    def _listen(self, dialogue: Dialogue, until: float) -> None:
        while not dialogue.ended:
            left = until - time.monotonic()
            if left <= 0:
                raise Unanswered("the device did not return to its prompt in time")
            patience = dialogue.patience
            text = self.channel.wait(left if patience is None else min(left, patience))
            if text:
                dialogue.feed(text)
            elif patience is not None and dialogue.silence():
                self.write_channel(self.RETURN)

    def _discard_pending(self) -> None:
        self._read_buffer = ""
        while self.channel.read_channel():
            pass

    def find_prompt(self, delay_factor: float = 1.0, pattern: str | None = None) -> str:
        """The line that an empty command brings when nothing else comes with it, or that two of them bring."""
        until = time.monotonic() + (self.read_timeout_override or 10.0)
        self._discard_pending()
        while self.channel.wait(PENDING):
            pass
        before = ""
        while time.monotonic() < until:
            self.write_channel(self.RETURN)
            shown = self._shown(until)
            prompt = shown.rpartition("\n")[2].strip()
            if prompt and (_alone(shown) or prompt == before):
                self._prompt = prompt
                return prompt
            before = prompt
        raise ReadTimeout("no prompt")

    def _shown(self, until: float) -> str:
        """What comes until nothing more comes behind a line without a line feed, or nothing at all."""
        screen = Screen()
        while text := self.channel.wait(PENDING if screen.last.strip() else WAKE):
            screen.feed(text)
            self.channel.check(screen.size)
            if time.monotonic() > until:
                break
        return screen.text()

    def strip_prompt(self, a_string: str) -> str:
        """`a_string` without the prompt at its end, and with what stands before it on the same line."""
        text = a_string.rstrip(" ")
        head, feed, last = text.rpartition("\n")
        host = self.base_prompt.strip()
        if self._prompt and last.endswith(self._prompt):
            before = last.removesuffix(self._prompt)
        elif host and host in last and last[-1] in ENDS:
            before = last[: last.rindex(host)]
        else:
            return a_string
        return head + feed + before if before.strip() else head

    def strip_command(self, command_string: str, output: str) -> str:
        """Netmiko's; by itself it would drop backspaces, and leave what they rub out."""
        return super().strip_command(command_string, seen(output))

    def send_command_timing(self, *args: Any, **options: Any) -> Any:
        self.channel.begin()
        return super().send_command_timing(*args, **options)

    def send_config_set(self, *args: Any, **options: Any) -> str:
        self.channel.begin()
        return seen(super().send_config_set(*args, **options))

    def read_channel(self) -> str:
        if not self._as_sent:
            return CODE.sub("", super().read_channel())
        text, self._read_buffer = self._read_buffer + self.channel.read_channel(), ""
        return text

    def read_channel_timing(self, *args: Any, **options: Any) -> str:
        """Netmiko's, of the text as it comes: line feeds in place of carriage returns could not be undone."""
        self._as_sent = True
        try:
            text = super().read_channel_timing(*args, **options)
        finally:
            self._as_sent = False
        return seen(text + self.channel.rest())


def _alone(text: str) -> bool:
    """Whether `text` is a line feed and a prompt, and nothing else."""
    *above, prompt = (line.strip() for line in text.split("\n"))
    is_prompt = prompt[-1:] in ENDS and re.search(r"\w", prompt)
    return bool(above and is_prompt) and all(map(CONTEXT.fullmatch, above))
