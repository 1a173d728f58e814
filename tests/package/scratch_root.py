"""A root of its own over that of the machine: everything can be installed and removed in it, and the machine sees nothing.

It is an overlay file system in a mount namespace, so it takes root on Linux. Nothing of the machine is mounted in it for
writing. What was changed lies apart, in `changed`, and is gone with the namespace.
"""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = "EVENTYARD_SCRATCH_FOLDER"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
# What programs take for granted, by the numbers that Linux gives them.
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}


def in_namespace():
    """Starts the program again where its mounts are its own and everything that it starts ends with it. Gives a folder there.

    The folder is made and removed out here, where nothing is mounted in it: removing it can reach nothing else.
    """
    if FOLDER in os.environ:
        return Path(os.environ[FOLDER])
    with tempfile.TemporaryDirectory(prefix="eventyard-scratch-") as folder:
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, *sys.argv]
        sys.exit(subprocess.run(command, env=os.environ | {FOLDER: folder}).returncode)


class ScratchRoot:
    def __init__(self, folder):
        """Mounts it at `folder`. Raises OSError where that cannot be done."""
        # In memory: no part of an overlay may lie in another part.
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
        self.path, self.changed, work = folder / "root", folder / "changed", folder / "work"
        for made in (self.path, self.changed, work):
            made.mkdir()
        mount("-t", "overlay", "-o", f"lowerdir=/,upperdir={self.changed},workdir={work}", "overlay", self.path)
        mount("-t", "proc", "proc", self.path / "proc")
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", self.path / "dev")
        for name, numbers in DEVICES.items():
            device = self.path / "dev" / name
            os.mknod(device, stat.S_IFCHR, os.makedev(*numbers))
            device.chmod(0o666)

    def inside(self, absolute):
        """Where a path of the root lies for this process."""
        return self.path / str(absolute).lstrip("/")

    def command(self, *words):
        """What runs a command in it."""
        return ["/usr/sbin/chroot", str(self.path), *(str(word) for word in words)]

    def run(self, *words, code=0):
        """Runs a command in it, shown as one would type it, and gives what it says."""
        print("  $", *words, flush=True)
        done = subprocess.run(self.command(*words), env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120)  # fmt: skip
        assert done.returncode == code, f"it ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def named(self, word):
        """What was changed and has `word` in its path, as paths of the root."""
        found = (Path("/") / path.relative_to(self.changed) for path in self.changed.rglob("*"))
        return sorted(str(path) for path in found if word in str(path))


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(done.stderr.strip())
