"""SSH algorithms that are not offered, as Paramiko's `disabled_algorithms` takes them."""

# Signatures and key exchanges with SHA-1 can be forged; its MACs cannot yet, and go with the rest.
SHA1 = {
    "kex": [
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group1-sha1",
    ],
    "keys": ["ssh-rsa"],  # the signature; RSA keys themselves are welcome
    "pubkeys": ["ssh-rsa"],
    "macs": ["hmac-sha1", "hmac-sha1-96"],
}
