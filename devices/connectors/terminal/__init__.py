"""The command line of a device: its bytes as text, where a response ends, how large a response may be.

`channel.py` decodes and counts the bytes, `screen.py` applies escape codes, backspaces and carriage returns,
`dialogue.py` finds the end of a response, and `connection.py` stands between Netmiko's class of a vendor and
its base, so that what a vendor's class does around a command still happens.
"""
