"""Servers on loopback that fail in a chosen way: for what a shipper takes for passing, and what for a setting."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Serve = Callable[[socket.socket], None]


@contextmanager
def serving(serve: Serve) -> Iterator[int]:
    """The port of a server that hands each connection to `serve`, one after the other, and then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the listener was shut down
                return
            with connection, suppress(OSError):  # the client hangs up as it likes
                connection.settimeout(30)
                serve(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def saying(*pieces: bytes, hear: bool = True, reset: bool = False) -> Serve:
    """Read once what the client says, answer with `pieces`, and hang up; with `reset` the connection breaks."""

    def serve(connection: socket.socket) -> None:
        if hear:
            connection.recv(65_536)
        for piece in pieces:
            connection.sendall(piece)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif hear:
            connection.shutdown(socket.SHUT_WR)
            # What is left unread would break the connection before the client has read the answer.
            while connection.recv(65_536):
                pass

    return serve


def over_tls(certificate: Path, serve: Serve) -> Serve:
    """`serve` behind TLS with the key and certificate of that file; the end comes without a word of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def shake_hands(connection: socket.socket) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as tls:
            serve(tls)

    return shake_hands


def make_certificate(file: Path, name: str = "127.0.0.1", days: int = 1) -> Path:
    """A key and a certificate that it signs itself, valid for `days` from yesterday on."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1 + days))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def alert(code: int) -> bytes:
    """A fatal alert of TLS, such as 80 for an internal error."""
    return bytes([21, 3, 3, 0, 2, 2, code])
