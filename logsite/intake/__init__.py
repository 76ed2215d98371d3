"""What every way into the site shares: ingest tokens, bounded bodies, rejected input, keys of repeated requests.

The rooms that take entries, samples and events in over HTTP or TCP use it; it knows none of their formats.
"""
