"""Files in the state directory that say where its daemon is, for as long as it runs."""

URL_FILE = "url"
"""Where `outkept servers` and others find it."""
PAGE_FILE = "page"
"""What people open, which a proxy or a certificate may give another name."""
