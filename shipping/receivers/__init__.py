"""The machines that entries are shipped to, a room each."""
