"""Requests and answers of all pages: bodies, headers, errors, addresses."""
