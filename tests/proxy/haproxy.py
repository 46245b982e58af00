"""The distribution's HAProxy. Where it is not installed it is unpacked under build/, because installing it would start it."""

import os
import pathlib
import signal
import socket
import subprocess
import time

import world

UNPACKED = world.TOP / "build/haproxy"
INSTALLED = pathlib.Path("/usr/sbin/haproxy")


def fetch():
    """Before the suite's world is entered: it has no network."""
    if os.environ.get(world.MARK) == "inside" or INSTALLED.exists() or (UNPACKED / "root/usr/sbin/haproxy").exists():
        return
    archives = UNPACKED / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    world.run("apt-get", "-qq", "-y", "install", "--download-only", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300",
              "-o", f"Dir::Cache::archives={archives}", "haproxy", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    for archive in sorted(archives.glob("*.deb")):
        world.run("dpkg", "-x", str(archive), str(UNPACKED / "root"))


class Balancer:
    """front: name -> (address and port to listen on, lines of its backend)."""

    def __init__(self, directory, fronts, source):
        self.directory, self.fronts, self.source = directory, fronts, source
        self.process = None
        directory.mkdir(parents=True)

    def configuration(self):
        lines = ["global", "  maxconn 500", "  user nobody", "  group nogroup", "defaults", "  mode tcp", "  timeout connect 5s",
                 "  timeout client 60s", "  timeout server 60s", "  timeout check 2s", "  balance roundrobin"]
        for name, (places, servers) in self.fronts.items():
            lines += [f"frontend {name}", *(f"  bind {place}" for place in places), f"  default_backend to_{name}",
                      f"backend to_{name}"]
            lines += [f"  server s{number} {line}" for number, line in enumerate(servers)]
        return "\n".join(lines) + "\n"

    def command(self):
        if INSTALLED.exists():
            return [str(INSTALLED)], {}
        libraries = ":".join(str(path) for path in (UNPACKED / "root").glob("usr/lib/*-linux-gnu*"))
        return [str(UNPACKED / "root/usr/sbin/haproxy")], {"LD_LIBRARY_PATH": libraries}

    def start(self):
        path = self.directory / "haproxy.cfg"
        path.write_text(self.configuration())
        command, environment = self.command()
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([*command, "-db", "-f", str(path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **environment})
        place = next(iter(self.fronts.values()))[0][0].rpartition(":")
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((place[0], int(place[2])), timeout=1).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, "no HAProxy: " + " ".join(self.log_tail())
                time.sleep(0.05)

    def log_tail(self, lines=8):
        path = self.directory / "log"
        return [] if not path.exists() else path.read_text(errors="replace").splitlines()[-lines:]

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
