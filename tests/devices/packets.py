"""A device that sends the bytes of a test, in the packets of the test."""

import select
from collections.abc import Mapping, Sequence

from devices.errors import ConnectorError
from tests.devices.emulator import Box, CommandLine

PAUSE = None  # between two packets: the device is busy until somebody types, at most for BUSY seconds
BUSY = 0.5

Packets = Sequence[bytes | None]


class _PacketLine(CommandLine):
    box: "PacketBox"

    @property
    def prompt(self) -> str:
        return self.box.prompts.get(self.mode, f"{self.box.name}{self.mode}")

    def run(self) -> None:
        self._send(self.box.greeting)
        super().run()

    def _line(self, line: str) -> bool:
        packets = self.box.raw.get(line.strip())
        if packets is None:
            return super()._line(line)
        self.box.received.append(line)
        self._send(packets if self.box.whole else [f"{line}\r\n".encode(), *packets, self.prompt.encode()])
        return True

    def _send(self, packets: Packets) -> None:
        """Without a PAUSE between them, packets arrive as one."""
        pending = b""
        for packet in packets:
            if packet is not PAUSE:
                pending += packet
                continue
            self.channel.sendall(pending)
            pending = b""
            select.select([self.channel], [], [], BUSY)
        self.channel.sendall(pending)

    def _answer(self, line: str) -> str | None:
        known = super()._answer(line)
        return "" if self.box.lenient and known and "Invalid input" in known else known


class PacketBox(Box):
    """`raw` maps commands to what the device sends, echo and prompt around it; with `whole` they are in it.

    `prompts` are by mode (`#`, `>`, `(config)#`), `greeting` comes before the first prompt; a `lenient` device takes
    every command that it does not know.
    """

    command_line = _PacketLine

    def __init__(
        self,
        raw: Mapping[str, Packets] | None = None,
        *,
        whole: bool = False,
        prompts: Mapping[str, str] | None = None,
        greeting: Packets = (),
        lenient: bool = False,
        **options,
    ) -> None:
        self.raw, self.whole, self.prompts = dict(raw or {}), whole, dict(prompts or {})
        self.greeting, self.lenient = greeting, lenient
        super().__init__(**options)


def differences(connector, rows: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Of each row (command, right answer) that comes out wrong, by its name: what came, and what is right.

    One connection for all of them: what is left over of an answer spoils the next one, and that counts too.
    """
    wrong = {}
    connector.open()
    try:
        for name, (command, right) in rows.items():
            try:
                said = connector.execute(command).stdout
            except ConnectorError as error:
                return wrong | {name: (str(error), right), "all behind it": ("not tried", "")}
            if said != right:
                wrong[name] = (said, right)
    finally:
        connector.close()
    return wrong
