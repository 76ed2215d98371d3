"""known_hosts files: which line is for which host, what is passed over, and what cannot be read."""

import subprocess

import paramiko

from logsite.ssh.host_keys import key_text
from logsite.ssh.known_hosts import fits, names_of, parse

KEY = paramiko.ECDSAKey.generate()
TEXT = key_text(KEY)
KIND, BASE64 = TEXT.split()


def hashed(name, tmp_path):
    """A line as OpenSSH hashes it."""
    file = tmp_path / "known_hosts"
    file.write_text(f"{name} {TEXT}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    return file.read_text()


# The names of a line, an address, and whether the line is for it.
NAMES = [
    ("rtr01", "rtr01", 22, True),
    ("rtr01", "rtr02", 22, False),
    ("rtr01", "rtr01", 2222, False),
    ("[rtr01]:2222", "rtr01", 2222, True),
    ("[rtr01]:2222", "rtr01", 22, False),
    ("[rtr01]:22", "rtr01", 22, True),
    ("RTR01.Example.COM", "rtr01.example.com", 22, True),
    ("rtr01.example.com", "RTR01.EXAMPLE.COM", 22, True),
    ("[RTR01]:2222", "rtr01", 2222, True),
    ("rtr01,192.0.2.1", "192.0.2.1", 22, True),
    ("rtr01,192.0.2.1", "rtr01", 22, True),
    ("rtr01,,192.0.2.1,", "192.0.2.1", 22, True),
    ("192.0.2.1", "192.0.2.10", 22, False),
    ("2001:db8::1", "2001:DB8:0:0::1", 22, True),
    ("2001:DB8:0::1", "2001:db8::1", 22, True),
    ("[2001:db8::1]:2222", "2001:db8:0::1", 2222, True),
    ("[2001:db8::1]:2222", "2001:db8::1", 22, False),
    ("*.example.com", "rtr01.example.com", 22, True),
    ("*.example.com", "example.com", 22, False),
    ("rtr0?", "rtr01", 22, True),
    ("rtr0?", "rtr011", 22, False),
    ("*", "rtr01", 22, True),
    ("*", "rtr01", 2222, True),
    ("[*]:2222", "rtr01", 2222, True),
    ("[*]:2222", "rtr01", 22, False),
    ("*.example.com,!fw*.example.com", "fw01.example.com", 22, False),
    ("!fw*.example.com,*.example.com", "fw01.example.com", 22, False),
    ("*.example.com,!fw*.example.com", "rtr01.example.com", 22, True),
    ("!rtr01", "rtr02", 22, False),
    ("rtr[01]", "rtr0", 22, False),
    ("rtr.1", "rtrx1", 22, False),
    ("192.0.2.*", "192.0.2.77", 22, True),
]


def test_which_line_is_for_which_host():
    wrong = []
    for names, host, port, expected in NAMES:
        found = parse(f"{names} {TEXT} a comment")
        if found.bad or found.skipped or bool(found.of(host, port)) != expected:
            wrong.append((names, host, port, found))
    assert wrong == []


def test_hashed_names_are_found(tmp_path):
    wrong = []
    for name, host, port in (
        ("rtr01", "rtr01", 22),
        ("rtr01", "RTR01", 22),
        ("[rtr01]:2222", "rtr01", 2222),
        ("192.0.2.1", "192.0.2.1", 22),
        ("2001:db8::1", "2001:DB8:0::1", 22),
        ("[2001:db8::1]:830", "2001:db8::1", 830),
    ):
        found = parse(hashed(name, tmp_path))
        if found.bad or not found.of(host, port) or found.of(host, port + 1) or found.of("other", port):
            wrong.append((name, host, port))
    assert wrong == []


def test_ssh_keygen_finds_the_same(tmp_path):
    """OpenSSH itself says for which hosts a line is."""
    file, wrong = tmp_path / "known_hosts", []
    for names, host, port, expected in NAMES:
        if any(":" in text and not text.startswith("[") for text in (names, host)) or host != host.lower():
            continue  # it compares the spelling of addresses; ssh itself folds the case before it asks
        file.write_text(f"{names} {TEXT}\n")
        words = ["ssh-keygen", "-F", names_of(host, port)[0], "-f", str(file)]
        theirs = subprocess.run(words, capture_output=True).returncode == 0
        if theirs != expected and "]:22" not in names:
            wrong.append((names, host, port, theirs))
    assert wrong == []


BAD = {
    "rtr01": "expected names, key type and base64",
    f"rtr01 {KIND}": "expected names",
    f"rtr01 {KIND} not-base64!": "not base64",
    f"rtr01 {KIND} {BASE64[:-8]}": "damaged",
    f"rtr01 ssh-rsa {BASE64}": "not of the type 'ssh-rsa'",
    f"{TEXT}": "expected names",
    f"{KIND} {BASE64} rtr01": "the key is not base64",
    f"@unknown rtr01 {TEXT}": "the marker '@unknown' is not known",
    f"@revoked {TEXT}": "expected names",
    f"|1|c2FsdA==|aGFzaA== {TEXT}": "its hashed name cannot be read",
    f"|2|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {TEXT}": "its hashed name",
    f"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y= {TEXT}": "its hashed name",
    f", {TEXT}": "it names no host",
    "rtr01 ssh-ed25519 AAAA": "not of the type",
    "<html><head><title>404 Not Found</title></head></html> x y": "not base64",
    "r\x00t\x00r\x000\x001\x00": "expected names",
    f"rtr01 {KIND} {BASE64[:40]} {BASE64[40:]}": "damaged",
    "rtr01 🔑 🔑": "not base64",
    f"{'*a' * 5_000} {TEXT}": "a name is longer than 1024 characters",
}


def test_a_line_that_cannot_be_read_is_named_with_its_number():
    wrong = []
    for line, expected in BAD.items():
        found = parse(f"# a comment\n\n{line}\nrtr02 {TEXT}\n")
        if [number for number, _ in found.bad] != [3] or expected not in found.bad[0][1]:
            wrong.append((line, found.bad))
        if len(found.keys) != 1:
            wrong.append((line, found.keys))
    assert wrong == []


DSS = "AAAAB3NzaC1kc3MAAACB"
SECURITY_KEY = "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t"
SKIPPED = {
    f"rtr01 ssh-dss {DSS}": "keys of type ssh-dss are not used",
    f"rtr01 sk-ssh-ed25519@openssh.com {SECURITY_KEY}": "keys of type sk-ssh-ed25519@openssh.com",
    f"@cert-authority *.example.com {TEXT}": "a certificate authority",
    "rtr01 1024 35 123456789012345678901234567890": "a key of SSH 1",
    f"@revoked rtr01 ssh-dss {DSS}": "keys of type ssh-dss",
}


def test_what_says_nothing_to_us_is_passed_over_with_its_number():
    wrong = []
    for line, expected in SKIPPED.items():
        found = parse(f"{line}\nrtr02 {TEXT}")
        if found.bad or [number for number, _ in found.skipped] != [1] or expected not in found.skipped[0][1]:
            wrong.append((line, found.skipped, found.bad))
    assert wrong == []


def test_comments_empty_lines_and_line_ends_of_other_systems():
    found = parse(
        f"\ufeff# of ssh-keyscan: rtr01:22 SSH-2.0-Cisco-1.25\r\n\r\n   \n\trtr01 {TEXT}\r\n #rtr02 {TEXT}"
    )
    assert [(known.number, known.patterns) for known in found.keys] == [(4, ("rtr01",))]
    assert (found.bad, found.skipped) == ([], [])


def test_revoked_keys_are_marked():
    found = parse(f"@revoked * {TEXT}\nrtr01 {TEXT}")
    assert [(known.number, known.revoked) for known in found.of("rtr01", 22)] == [(1, True), (2, False)]


def test_a_pattern_of_many_stars_takes_no_time():
    assert not fits("*a" * 500 + "b", "a" * 255)
    assert fits("*a" * 100, "a" * 255)
    assert fits("*" * 1024, "a" * 255)
