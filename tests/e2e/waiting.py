"""Waiting for what comes about by itself."""
import time


def wait_until(condition, what, timeout=60.0, pause=0.01):
    """Waits for a condition and returns its (true) value; the failure says what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(pause)
