"""The one way to a host: a login by key, the commands of the grammar, each one on record."""
