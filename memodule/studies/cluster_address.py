"""Checks within seconds that a Ray cluster answers at an address; Ray itself would wait for minutes."""

import contextlib
import os
import re
import socket
from typing import Final

from memodule.errors import UserError
from memodule.runtime.private_interfaces import ray_address

_PATIENCE: Final = 5.0
"""Seconds that a machine may take to accept a connection, and again to answer."""

_HELLO: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How an HTTP/2 client begins (RFC 9113, section 3.4), with no settings of its own."""

_SETTINGS: Final = 4
"""Type of the frame that every HTTP/2 server, such as the gRPC of Ray, begins with; byte 3 of nine."""

WANTED: Final = "write HOST:PORT, such as 10.0.0.1:6379, or auto"


def host_and_port(address: str) -> tuple[str, int] | None:
    """The host and port to try for HOST:PORT, [IPv6]:PORT or ray://HOST:PORT; None for "auto" and "local".

    Raises:
        ValueError: If the address has another form.
    """
    if address in ("auto", "local"):
        return None
    parts = re.fullmatch(r"(?:ray://)?(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:/\[\]]+)):(\d{1,5})/?", address)
    if parts is None or not 0 < int(parts[3]) < 2**16:
        raise ValueError(f"{address!r}: {WANTED}")
    return parts[1] or parts[2], int(parts[3])


def require_answer(address: str | None) -> None:
    """Require that a Ray cluster answers; None is this machine, where there is nothing to check.

    Raises:
        UserError: If the address is malformed, nothing answers there, or what answers is not Ray.
    """
    if address is None:
        return
    try:
        place = host_and_port(ray_address() or "local" if address == "auto" else address)
    except ValueError as error:
        raise UserError(f"--address {error}") from None
    except ConnectionError as error:
        raise UserError(f"--address {address}: {no_answer(str(error).partition('.')[0])}") from None
    if place is None:
        return
    try:
        with socket.create_connection(place, timeout=_PATIENCE) as connection:
            if os.environ.get("RAY_USE_TLS", "0") in ("", "0"):  # with TLS, a certificate comes first
                _require_grpc(connection, address)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        where = f"{place[0]}:{place[1]}, " if address == "auto" else ""
        raise UserError(f"--address {address}: {no_answer(where + reason)}") from None


def no_answer(reason: str) -> str:
    """The message about a cluster that does not answer, and how to fix it."""
    return f"no Ray cluster answers there ({reason}); start one with `ray start --head`"


def _require_grpc(connection: socket.socket, address: str) -> None:
    answer = b""
    with contextlib.suppress(OSError):  # no answer, or a closed connection
        connection.sendall(_HELLO)
        while len(answer) < 9 and (more := connection.recv(9 - len(answer))):
            answer += more
    if answer[3:4] != bytes([_SETTINGS]) or len(answer) < 9:
        raise UserError(f"--address {address}: {no_answer('another program listens at that port')}")
