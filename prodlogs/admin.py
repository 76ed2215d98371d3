"""Admin pages of Docker hosts, containers, snapshots, entries and sent commands."""
