"""Log entries as a file: one selection, three formats, over HTTP and by `export_logs`."""
