"""Each TLS fault has its own error text, which says what to do; tested on real sockets."""

import datetime
import ipaddress
import ssl
import warnings
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from logsite.records import Cursor
from shipping.errors import Misconfigured, ShippingError, Unavailable
from shipping.feed import BackendFeed
from shipping.receivers.loki.encoding import Encoder
from shipping.retry import Retry
from tests.shipping.builders import make_client, make_record
from tests.shipping.faulty_servers import alert, make_certificate, over_tls, saying, serving

ENTRIES = Encoder("aoss", 262_144).entries(Cursor(0, 1), make_record(1))
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
GO = b"Client sent an HTTP request to an HTTPS server.\n"
NGINX = b"""<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>
<center><h1>400 Bad Request</h1></center></body></html>"""
APACHE = b"""<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>400 Bad Request</title>
</head><body>\n<h1>Bad Request</h1>\n<p>Your browser sent a request that this server could not understand.<br />
Reason: You're speaking plain HTTP to an SSL-enabled server port.<br /></p></body></html>"""


class Authority:
    """An authority of the test's own: `file` is its certificate."""

    def __init__(self, folder, name="Authority of the test"):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._certificate(self.name, self.key, -1, 30)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._signed(made).public_bytes(serialization.Encoding.PEM))

    def issue(self, name, *, host="127.0.0.1", start=-1, days=2):
        """The file of a key and a certificate for `host`, valid for `days` from the day `start` on."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            alternative = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._certificate(subject, key, start, days)
        made = made.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.folder / f"{name}.pem"
        file.write_bytes(private + self._signed(made).public_bytes(serialization.Encoding.PEM))
        return file

    def _certificate(self, subject, key, start, days):
        first = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=start)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return made.not_valid_before(first).not_valid_after(first + datetime.timedelta(days=days))

    def _signed(self, made):
        return made.sign(self.key, hashes.SHA256())


def of_old_tls(certificate):
    """A server that speaks TLS 1.1 and nothing newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    def shake_hands(connection):
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True):
            pass

    return shake_hands


def faults(authority, stranger, folder):
    """By name: the scheme, the server, the error, and words of its sentence: what is wrong, and what to do."""
    good = authority.issue("good")
    cannot = "has no TLS certificate that can be verified: "
    renew = f"{cannot}it has expired; renew it there"
    other = f"{cannot}it is for another host name; give the address by a name that the certificate has"
    unknown = (
        f"{cannot}its authority is unknown here; name a file with the certificate of its authority in REQ"
    )
    itself = f"{cannot}it is signed by itself; name a file with this certificate in REQUESTS_CA_BUNDLE"
    early = f"{cannot}it is not valid yet; check the clocks here and there"
    https, http = "expects TLS: give an address that begins with https://", "begins with http://"
    version = "no version of TLS in common: let it offer TLS 1.2 or 1.3"

    def served(file):
        return over_tls(file, saying())

    return {
        "expired": ("https", served(authority.issue("expired", start=-9)), Misconfigured, renew),
        "early": ("https", served(authority.issue("early", start=5)), Misconfigured, early),
        "of another address": (
            "https",
            served(authority.issue("address", host="192.0.2.1")),
            Misconfigured,
            other,
        ),
        "of a host name": (
            "https",
            served(authority.issue("name", host="loki.example.com")),
            Misconfigured,
            other,
        ),
        "of a stranger": ("https", served(stranger.issue("strange")), Misconfigured, unknown),
        "by itself": ("https", served(make_certificate(folder / "itself.pem")), Misconfigured, itself),
        "an old TLS": ("https", of_old_tls(good), Unavailable, version),
        "alert: version": ("https", saying(alert(70)), Unavailable, version),
        "alert: handshake": ("https", saying(alert(40)), Unavailable, "no cipher in common"),
        "alert: security": ("https", saying(alert(71)), Unavailable, "no cipher in common"),
        "alert: name": ("https", saying(alert(112)), Unavailable, "does not know the host name"),
        "alert: ours": ("https", saying(alert(116)), Unavailable, "(it asks for a client certificate)"),
        "alert: internal": ("https", saying(alert(80)), Unavailable, "broke off the TLS handshake"),
        "hangs up": ("https", saying(), Unavailable, "broke off the TLS handshake"),
        "TLS on a plain port": (
            "https",
            saying(BAD_REQUEST),
            Misconfigured,
            f"does not speak TLS: give an address that {http}",
        ),
        "plain, Python": (
            "http",
            over_tls(good, saying()),
            Unavailable,
            "(if it expects TLS, give an address that begins with https://)",
        ),
        "plain, alert": ("http", saying(alert(10)), Misconfigured, https),
        "plain, Go": ("http", saying(BAD_REQUEST + GO), Misconfigured, https),
        "plain, nginx": ("http", saying(BAD_REQUEST + NGINX), Misconfigured, https),
        "plain, Apache": ("http", saying(BAD_REQUEST + APACHE), Misconfigured, https),
    }


@pytest.mark.parametrize("towards", ["loki", "backend"])
def test_each_fault_of_tls_has_its_own_sentence_with_what_to_do(towards, tmp_path, monkeypatch):
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "Stranger")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    wrong = {}
    for name, (scheme, server, kind, words) in faults(authority, stranger, tmp_path).items():
        with serving(server) as port:
            told = told_by(f"{scheme}://127.0.0.1:{port}", towards)
        if type(told) is not kind or words not in str(told) or "\n" in str(told) or "_ssl.c" in str(told):
            wrong[name] = told
    assert wrong == {}


def told_by(url, towards):
    """The error of a delivery to, or of a look at, the machine at `url`; None without one."""
    client = make_client(url, retries=0)
    feed = BackendFeed(url, "token", "session", Retry(0, 0.001), timeout=30)
    try:
        client.deliver(ENTRIES) if towards == "loki" else feed.read(Cursor(), 10)
    except ShippingError as error:
        return error
    finally:
        client.close()
        feed._session.close()
    return None


def test_a_certificate_of_a_known_authority_is_taken(tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    yes = saying(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    with serving(over_tls(authority.issue("good"), yes)) as port:
        assert told_by(f"https://127.0.0.1:{port}", "loki") is None


@pytest.mark.parametrize("written", [None, b"", b"not a certificate"])
def test_a_file_of_certificates_that_cannot_be_read_is_named(written, tmp_path, monkeypatch):
    file = tmp_path / "bundle.pem"
    if written is not None:
        file.write_bytes(written)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    with serving(over_tls(Authority(tmp_path).issue("good"), saying())) as port:
        told = told_by(f"https://127.0.0.1:{port}", "loki")

    assert type(told) is Misconfigured
    assert "REQUESTS_CA_BUNDLE names no file of certificates that can be read" in str(told)


def test_an_entry_that_speaks_of_https_is_refused_like_others(loki, make_client):
    """Loki's reason quotes labels of the entry: these do not say that the server expects TLS."""
    record = make_record(
        1, timestamp=10**18, labels={"app": "Client sent an HTTP request to an HTTPS server."}
    )

    [refusal] = make_client(loki.url).deliver(Encoder("aoss", 262_144).entries(Cursor(0, 1), record))

    assert "timestamp too old" in refusal.reason
