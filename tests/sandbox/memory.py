"""What a process can be found to know, from outside: all of its memory that can be read, and what its descriptors stand for."""

import os
import pathlib
import stat

CHUNK, PAGE = 16 << 20, 4096
# Never a process's own memory: the kernel's, and a device's.
FOREIGN = ("[vvar]", "[vsyscall]", "[vvar_vclock]")


class Needle:
    """A value that is looked for, in both byte orders (OpenSSL's big numbers are little-endian) and in hex."""

    def __init__(self, name, value):
        assert len(value) >= 16, f"{name} is too short to be told from chance"
        self.name, self.values = name, [value, value[::-1], value.hex().encode(), value.hex().upper().encode()]

    def is_in(self, data):
        return any(value in data for value in self.values)


def names_in(data, needles):
    return {needle.name for needle in needles if needle.is_in(data)}


def mappings(pid, rights):
    """(start, end) of those with these rights, the first letters of what the kernel writes."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        where, has, _, _, _, *what = line.split(None, 5)
        if has.startswith(rights) and (what[0] if what else "") not in FOREIGN:
            start, end = (int(word, 16) for word in where.split("-"))
            yield start, end


def pieces(memory, start, end):
    """What can be read of a mapping, in order; None for a page that cannot: reserved, or behind its file's end."""
    while start < end:
        try:
            memory.seek(start)
            data = memory.read(min(CHUNK, end - start))
        except OSError:
            data = b""
        yield data or None
        start += len(data) or PAGE


def in_memory(pid, needles, rights="r"):
    """Names of what its memory holds, and how many octets were looked at. Of a process that ends meanwhile: what was seen."""
    found, size = set(), 0
    overlap = max(len(value) for needle in needles for value in needle.values) - 1
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for start, end in mappings(pid, rights):
                rest = b""
                for data in pieces(memory, start, end):
                    found |= names_in(rest + data, needles) if data else set()
                    size += len(data or b"")
                    rest = (rest + data)[-overlap:] if data else b""
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found, size


def in_descriptors(pid, needles):
    """The same of files that it has open, memory files among them."""
    found, count = set(), 0
    try:
        entries = list(pathlib.Path(f"/proc/{pid}/fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return found, count
    for entry in entries:
        try:
            if not stat.S_ISREG(entry.stat().st_mode):
                continue
            with open(entry, "rb") as file:
                found |= names_in(file.read(), needles)
            count += 1
        except OSError:
            continue
    return found, count


def in_words(pid, needles):
    """Its command line and environment."""
    found = set()
    for name in ("cmdline", "environ"):
        try:
            found |= names_in(pathlib.Path(f"/proc/{pid}/{name}").read_bytes(), needles)
        except OSError:
            pass
    return found


def in_files(directory, needles):
    """Names of what its files hold, with the file, and how many files there are."""
    found, count = set(), 0
    for where, _, names in os.walk(directory):
        for name in names:
            path = pathlib.Path(where) / name
            if path.is_symlink() or not path.is_file():
                continue
            count += 1
            found |= {f"{name} in {path}" for name in names_in(path.read_bytes(), needles)}
    return found, count

