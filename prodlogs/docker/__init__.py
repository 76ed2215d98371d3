"""What Docker is asked, and how it answers. No SSH, and of the tables only `ErrorKind`."""
