"""What Paramiko lacks for one command in a channel of its own: an end to waiting, and ending the command."""

from contextlib import suppress
from threading import Timer

from paramiko import Channel, Message, SSHException
from paramiko.common import cMSG_CHANNEL_REQUEST


def start(channel: Channel, command: str, timeout: float) -> None:
    """Send `command`; the channel is closed when the host has not taken it up within `timeout` seconds.

    Paramiko waits for that without an end. Raises SSHException, EOFError or OSError.
    """
    watch = Timer(timeout, channel.close)
    watch.daemon = True
    watch.start()
    try:
        channel.exec_command(command)
    finally:
        watch.cancel()
    with suppress(OSError):
        channel.shutdown_write()  # it is asked nothing: a command that reads ends at once


def terminate(channel: Channel) -> None:
    """Ask for the end of the command's processes: closing a channel alone leaves them running.

    RFC 4254, 6.9; Paramiko has no call for it. OpenSSH heeds it since 7.9, but not behind a forced command:
    there, a process that writes ends as soon as the channel is closed.
    """
    message = Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string("TERM")
    with suppress(SSHException, OSError, EOFError):
        channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]
