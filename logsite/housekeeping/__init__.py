"""What the site keeps about itself: which processes live, what could not be kept, and what `purge_logs` removed.

It has tables of its own. Apps register here what a process keeps open and what a purge removes.
"""
