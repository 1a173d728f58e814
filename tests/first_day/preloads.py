"""Libraries that are preloaded into the very program that is installed: a disk that is slow, a clock that is moved."""

import shutil
import subprocess
from pathlib import Path

PRELOAD = "LD_PRELOAD"


class NotHere(Exception):
    """What a trouble takes is not on this machine."""


def slow_disk(folder, milliseconds):
    """The variables of a daemon whose every fsync takes so much longer."""
    if shutil.which("cc") is None:
        raise NotHere("there is no C compiler (cc) for a slow disk")
    library = folder / "slow_disk.so"
    source = Path(__file__).with_name("slow_disk.c")
    subprocess.run(["cc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return {PRELOAD: str(library), "SLOW_DISK_MS": str(milliseconds)}


class MovedClock:
    """The clock of a daemon, as an offset to the real one that libfaketime reads from a file."""

    def __init__(self, folder):
        self.file = folder / "clock"
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            raise NotHere("libfaketime is not installed, so no clock was moved")
        self.library = libraries[0]
        self.put_forward(0)

    def put_forward(self, seconds):
        """To so many seconds ahead of the real clock."""
        # A reader never sees half of it.
        new = self.file.with_suffix(".new")
        new.write_text(f"+{seconds:.3f}\n")
        new.rename(self.file)

    def environment(self):
        """The variables of a daemon that lives in it. Its timeouts and pauses go on as ever."""
        return {PRELOAD: str(self.library), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
