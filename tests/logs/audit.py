"""Audit records, as tests/fake/audit_kernel.c writes them in the kernel's place: what libaudit makes of our words and PAM's."""

import os
import pathlib
import re
import subprocess

import unpacked
import world

DIRECTORY = world.STATE / "audit"
LOG = DIRECTORY / "log"
PRELOAD = pathlib.Path("/etc/ld.so.preload")  # of this suite's own /etc
RECORD = re.compile(r"type=(\w+) msg=audit\(\d+\.\d+:\d+\): pid=\d+ uid=\d+ auid=\d+ ses=\d+ msg='([^']*)'")


def library():
    return world.build_directory() / "tests/fake/audit_kernel.so"


def begin():
    DIRECTORY.mkdir(exist_ok=True)
    LOG.touch()
    LOG.chmod(0o600)
    (world.STATE / "audit_kernel.so").write_bytes(library().read_bytes())
    PRELOAD.write_text(f"{world.STATE}/audit_kernel.so\n")


def refuse():
    (DIRECTORY / "refuse").touch()


def end():
    PRELOAD.unlink()


class Record(dict):
    """kind, and the fields as they stand there."""

    def __init__(self, line):
        match = RECORD.fullmatch(line)
        assert match, f"not a record: {line}"
        self.kind = match[1]
        words = match[2].split(" ")
        assert all("=" in word for word in words), f"a field is no name and value: {line}"
        super().__init__(word.split("=", 1) for word in words)
        assert len(self) == len(words), f"a field stands twice: {line}"

    def __repr__(self):
        return f"{self.kind}{dict(self)}"


def records():
    return [Record(line) for line in LOG.read_text().splitlines()]


def tool(name, *arguments):
    place = unpacked.root("auditd")
    program = next(place / directory / name for directory in ("usr/sbin", "sbin") if (place / directory / name).exists())
    libraries = ":".join(str(path.parent) for path in place.glob("usr/lib/*/libauparse.so.0"))
    environment = {**os.environ, "LC_ALL": "C", **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=60, env=environment,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return done.stdout
