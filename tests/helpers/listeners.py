"""Programs that may listen at a port instead of a Ray cluster."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

GRPC = bytes([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 63, 255, 255])
"""How a gRPC server begins: a frame of settings, here with one of six bytes."""


@contextlib.contextmanager
def listeners() -> Iterator[Callable[[bytes | None], str]]:
    """Gives a function that opens a port on all addresses of this machine; it answers the bytes, or nothing (None)."""
    with contextlib.ExitStack() as opened:

        def listen(answer: bytes | None) -> str:
            server = opened.enter_context(socket.create_server(("", 0)))
            threading.Thread(target=_serve, args=(server, answer, opened), daemon=True).start()
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield listen


def _serve(server: socket.socket, answer: bytes | None, opened: contextlib.ExitStack) -> None:
    with contextlib.suppress(OSError):  # of being closed
        while True:
            connection, _ = server.accept()
            opened.callback(connection.close)
            if answer is not None:
                connection.sendall(answer)


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """An address of this machine where nothing listens, or can start to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"
