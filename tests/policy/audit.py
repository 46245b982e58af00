"""ssh-audit, which looks at a server from outside. Debian 13's version knows the post-quantum methods; Debian 12's does
not, so there the newer package is fetched and unpacked (it is Python alone), not installed."""

import json
import os
import pathlib
import re
import subprocess

import suite
import world

UNPACKED = world.TOP / "build/ssh-audit"
NEWEST = (3, 3)
# What that version calls the strictest server of its time.
HARDENED = "Hardened OpenSSH Server v9.9 (version 1)"


def debian():
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_ID="):
            return int(line.partition("=")[2].strip('"'))
    return 0


def mirror():
    """The machine's own, from either form of its sources."""
    sources = pathlib.Path("/etc/apt")
    for path in [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]:
        if path.is_file():
            found = re.search(r"^(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(\S+)", path.read_text(), re.MULTILINE)
            if found:
                return found[1]
    raise RuntimeError("no mirror of Debian is named in /etc/apt")


def fetch():
    """Before the suite's world is entered, which has no network."""
    if os.environ.get(world.MARK) == "inside" or (UNPACKED / "usr/bin/ssh-audit").exists():
        return
    root = UNPACKED.parent / "ssh-audit.apt"
    for part in ("lists/partial", "archives/partial"):
        (root / part).mkdir(parents=True, exist_ok=True)
    (root / "sources.list").write_text(f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror()} trixie main\n")
    options = [f"-oDir::Etc::SourceList={root}/sources.list", "-oDir::Etc::SourceParts=/dev/null",
               f"-oDir::State::Lists={root}/lists", f"-oDir::Cache::Archives={root}/archives",
               f"-oDir::Cache::pkgcache={root}/pkgcache.bin", f"-oDir::Cache::srcpkgcache={root}/srcpkgcache.bin",
               "-oAPT::Get::List-Cleanup=0", "-oAcquire::Retries=3", "-qq"]
    world.run("apt-get", *options, "update")
    world.run("apt-get", *options, "download", "ssh-audit", cwd=root)
    (archive,) = root.glob("ssh-audit_*.deb")
    world.run("dpkg-deb", "-x", str(archive), str(UNPACKED))


def command(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(UNPACKED / "usr/lib/python3/dist-packages"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(["python3", str(UNPACKED / "usr/bin/ssh-audit"), "-n", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, timeout=120, check=False)


def require():
    if not (UNPACKED / "usr/bin/ssh-audit").exists():
        raise suite.Skip("ssh-audit could not be fetched")
    version = re.search(rb"v(\d+)\.(\d+)", command("--help").stdout)
    assert version and tuple(map(int, version.groups())) >= NEWEST, "ssh-audit is older than expected"


def complaints(port):
    """(level, list, name, what) for everything that it fails or warns of."""
    done = command("-j", "-p", str(port), "127.0.0.1")
    report = json.loads(done.stdout)
    found = []
    for kind in ("kex", "key", "enc", "mac"):
        assert report[kind], f"ssh-audit saw no {kind}: it did not get far"
        for algorithm in report[kind]:
            for level in ("fail", "warn"):
                found += [(level, kind, algorithm["algorithm"], text) for text in algorithm.get("notes", {}).get(level, [])]
    return found, report


def finds_nothing(port):
    require()
    found, report = complaints(port)
    assert not found, "; ".join(" ".join(one) for one in found)
    done = command("-l", "warn", "-b", "-p", str(port), "127.0.0.1")
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stdout.decode(errors='replace')[-600:]}"
    return f"{sum(len(report[kind]) for kind in ('kex', 'key', 'enc', 'mac'))} algorithms, no failure, no warning"


def passes_hardened(port):
    require()
    if debian() < 13:
        raise suite.Skip("its list has sntrup761 and ML-KEM, which no library of this distribution has; Debian 13's have")
    done = command("-P", HARDENED, "-p", str(port), "127.0.0.1")
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0 and "Passed" in text, text[-1500:]
    return HARDENED
