"""Things that listen where a crawler looks, and aren't SSH servers."""

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def running_listener(
    greeting: bytes = b"", *, address: str = "127.0.0.1", port: int = 0, hang_up: bool = False
) -> Iterator[tuple[str, int]]:
    """Accept connections, say `greeting`, and then nothing, or `hang_up` at once."""
    listener = socket.create_server((address, port))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                sock.sendall(greeting)
            if hang_up:
                sock.close()
            else:
                kept.append(sock)

    thread = threading.Thread(target=serve, name="listener", daemon=True)
    thread.start()
    try:
        yield address, int(listener.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for sock in kept:
            sock.close()
