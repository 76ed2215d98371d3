"""SSH, for every room that logs in somewhere."""
