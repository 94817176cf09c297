"""Questions to servers that may not answer, and waiting that ends."""

import socket
import time

CONNECT_S, OPERATION_S = 0.2, 0.3
WHOLE_S = 90  # until a house is whole again


class TooLate(Exception):
    """Something did not come about in its time."""


def wait_for(condition, what, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            value = condition()
        except (OSError, LookupError, ValueError):
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise TooLate(f"not within {timeout_s} s: {what}")
        time.sleep(0.02)


def ask(where, *words, connect_s=1.0, timeout_s=1.0):
    """One command to one server; its whole answer, for answers that end where they seem to."""
    with socket.create_connection(where, timeout=connect_s) as link:
        link.settimeout(timeout_s)
        link.sendall((" ".join(words) + "\r\n").encode())
        answer = link.recv(65536)
        if answer.startswith(b"$") and not answer.startswith(b"$-1"):
            size = int(answer[1:answer.index(b"\r\n")]) + answer.index(b"\r\n") + 4
            while len(answer) < size:
                piece = link.recv(65536)
                if not piece:
                    raise OSError("the answer was cut")
                answer += piece
        return answer.decode(errors="replace")


def facts(where):
    return dict(line.split(":", 1) for line in ask(where, "INFO").split("\r\n") if ":" in line)
