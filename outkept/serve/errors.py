"""What stands in the way of listening.

ListenError
  ListenRefused
  CertificateError
"""


class ListenError(Exception):
    """The address can't be listened on. The message is one line that says what to do."""


class ListenRefused(ListenError):  # noqa: N818
    """The address would be reachable from other machines, without what makes that safe."""


class CertificateError(ListenError):
    """The certificate or its key can't be used."""
