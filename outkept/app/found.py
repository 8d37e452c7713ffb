"""Files in the state directory by which a running daemon is found."""

URL_FILE = "url"
"""While a daemon runs: where `outkept servers` and others find it."""

PAGE_FILE = "page"
"""Beside it: what people open, which a proxy or a certificate may give another name."""
