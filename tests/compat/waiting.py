"""Waiting for something to become true, never for a time."""

import time


def wait_until(condition, within_seconds=30):
    """Waits until `condition()` gives something true, and gives that."""
    deadline = time.monotonic() + within_seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it did not become true within {within_seconds} s"
        time.sleep(0.01)
    return found
