"""What a process owns, from outside: /proc of it."""

import os
import pathlib
import re
import subprocess

from suite import expect

CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def status(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def has_no_privilege(pid):
    now = status(pid)
    for name in CAPABILITIES:
        expect(int(now[name], 16), 0, name)
    expect(now["NoNewPrivs"], "1", "NoNewPrivs")
    assert "0" not in now["Uid"].split() and "0" not in now["Gid"].split(), f"uid {now['Uid']} gid {now['Gid']}"
    assert len(set(now["Uid"].split())) == 1, f"several uids: {now['Uid']}"
    expect(now["Groups"].split(), [], "supplementary groups")


def has_a_filter(pid):
    expect(status(pid)["Seccomp"], "2", "Seccomp")


def is_not_dumpable(pid):
    """Then its files in /proc are root's, and no process of its own user can trace it or read its memory."""
    expect(os.stat(f"/proc/{pid}/mem").st_uid, 0, "owner of /proc/PID/mem")


def has_an_empty_root(pid):
    names = os.listdir(f"/proc/{pid}/root")
    expect(names, [], "names in its root directory")
    flags = os.statvfs(f"/proc/{pid}/root").f_flag
    assert flags & os.ST_RDONLY, "its root is writable"
    mounts = pathlib.Path(f"/proc/{pid}/mounts").read_text().splitlines()
    assert len(mounts) <= 1, f"it has mounts: {mounts}"
    expect(os.listdir(f"/proc/{pid}/cwd"), [], "names in its working directory")


def has_no_network(pid):
    assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net"), "it shares our network namespace"
    said = subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "-o", "link"], capture_output=True, text=True, check=True)
    for line in said.stdout.splitlines():
        assert re.search(r"<LOOPBACK>", line) and "UP" not in line.split("<")[1].split(">")[0].split(","), line


def descriptors(pid):
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found[int(entry.name)] = os.readlink(entry)
        except FileNotFoundError:
            pass
    return found


def owns_only(pid, *patterns):
    """Every descriptor's target matches one of these; returns them without the standard ones."""
    found = descriptors(pid)
    odd = [f"{fd} -> {target}" for fd, target in found.items()
           if not any(re.fullmatch(pattern, target) for pattern in (r"/dev/null( \(deleted\))?", *patterns))]
    assert not odd, "it holds " + ", ".join(odd)
    return {fd: target for fd, target in found.items() if not target.startswith("/dev/null")}


def limits(pid):
    """name -> soft limit as text"""
    rows = {}
    for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]:
        found = re.match(r"(.{26})(\S+)", line)
        rows[found.group(1).strip()] = found.group(2)
    return rows


def has_limits(pid):
    now = limits(pid)
    expect(now["Max processes"], "0", "Max processes")
    expect(now["Max file size"], "0", "Max file size")
    expect(now["Max core file size"], "0", "Max core file size")
    assert now["Max address space"] != "unlimited", "no limit of address space"
