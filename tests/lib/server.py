"""Starts and stops a server made of the build's programs, with its host keys in a SoftHSM2 token."""

import json
import os
import pathlib
import signal
import subprocess
import time

import world

KEYS = {"ed25519": "EC:edwards25519", "p256": "EC:prime256v1", "p384": "EC:secp384r1", "p521": "EC:secp521r1",
        "rsa": "rsa:2048"}
LAUNCH = world.PROGRAMS / "launch/sallyport-launch"
TOKEN_LIBRARY = f'. "{world.TOP}/packaging/lib/say.sh"; . "{world.TOP}/packaging/lib/token.sh"; '


def signer_owner():
    for line in world.run(str(LAUNCH), "--ids").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "signer":
            return words[1]
    raise RuntimeError("sallyport-launch --ids names no signer")


class Token:
    """A software token with a key of every type, made once per suite."""

    def __init__(self, directory=world.STATE / "token", keys=None):
        self.directory = directory
        self.keys = KEYS if keys is None else keys
        directory.mkdir(parents=True)
        world.run("bash", "-c", TOKEN_LIBRARY + 'token_make "$@"', "token", str(directory), signer_owner(),
                  *(f"{name}={kind}" for name, kind in self.keys.items()))

    def uri(self, name):
        return f"pkcs11:token=sallyport;object={name};type=private"

    def configuration(self):
        lines = [f"HostKey {self.uri(name)}" for name in self.keys]
        lines += ["TokenModule /usr/lib/softhsm/libsofthsm2.so", f"TokenPIN file:{self.directory}/pin",
                  f"TokenEnvironment SOFTHSM2_CONF={self.directory}/softhsm2.conf"]
        return lines

    def public(self, name):
        """Algorithm and base64 blob, read from the token without the server."""
        return world.run("bash", "-c", TOKEN_LIBRARY + 'token_public "$@"', "token", str(self.directory), name).strip()


def make_pam(directory, **stacks):
    """A directory for PAMConfigDirectory: the distribution's own stacks under the name sallyport, and others."""
    directory.mkdir(parents=True, exist_ok=True)
    common = "".join(f"@include /etc/pam.d/common-{kind}\n" for kind in ("auth", "account", "session", "password"))
    denied = "".join(f"{kind} required pam_deny.so\n" for kind in ("auth", "account", "session", "password"))
    for name, text in {"sallyport": common, "other": denied, **stacks}.items():
        (directory / name).write_text(text)
    return directory


def processes():
    """pid -> (parent, name), of this process namespace."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                head, _, tail = (entry / "stat").read_text().rpartition(")")
            except OSError:
                continue
            found[int(entry.name)] = (int(tail.split()[1]), head.partition("(")[2])
    return found


class Server:
    tells_events = True

    def __init__(self, token, name="server", port=2222, options=(), environment=None):
        self.directory = world.STATE / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.token, self.port = token, port
        self.environment = environment or {}
        self.process = None
        self.seen = 0
        make_pam(self.directory / "pam.d")
        self.configure(options)

    def configure(self, options=()):
        """options: configuration lines; they stand first, so that they win, and Match blocks last."""
        lines = [*[line for line in options if not line.startswith("Match")],
                 f"ListenAddress 127.0.0.1:{self.port}", *self.token.configuration(),
                 f"PAMConfigDirectory {self.directory}/pam.d", "Subsystem sftp /usr/lib/openssh/sftp-server",
                 "LogFormat json", "MaxStartups 200:30:400", "PerSourceMaxStartups none"]
        lines += [line for line in options if line.startswith("Match")]
        self.path.write_text("\n".join(lines) + "\n")

    @property
    def path(self):
        return self.directory / "sallyport.conf"

    @property
    def log(self):
        return self.directory / "log"

    def start(self, seconds=30, wrap=()):
        """wrap: a command in front of sallyport-launch's, such as one that enters a cgroup."""
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **self.environment}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*wrap, str(LAUNCH), "-f", str(self.path), "--state-dir",
                                             str(self.directory / "state"), "--ready-file", str(ready)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        until = time.monotonic() + seconds
        while not ready.exists():
            status = self.process.poll()
            if status is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"server not ready ({status}): " + " ".join(self.log_tail(8)))
            time.sleep(0.02)
        return self

    def stop(self, seconds=10):
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status

    def pids(self, name):
        """Of the server's own processes with that program name (the kernel keeps 15 characters of it)."""
        table = processes()
        ours, grown = {self.process.pid}, True
        while grown:
            more = {pid for pid, (parent, _) in table.items() if parent in ours} - ours
            ours |= more
            grown = bool(more)
        return sorted(pid for pid in ours if table.get(pid, (0, ""))[1] == name[:15])

    def reload(self, options, seconds=10):
        """Writes a new configuration and waits until it is served."""
        self.configure(options)
        self.mark()
        for pid in self.pids("sallyport-launch"):  # it reads the files, and tells the monitor
            os.kill(pid, signal.SIGHUP)
        event = self.wait_event(lambda e: e.get("event") in ("config_loaded", "config_refused"), seconds)
        assert event["event"] == "config_loaded", f"configuration refused: {event}"

    def mark(self):
        """Forgets the events so far."""
        self.seen = self.log.stat().st_size if self.log.exists() else 0

    def events(self, name=None):
        """Since the last mark()."""
        with open(self.log, "rb") as log:
            log.seek(self.seen)
            lines = log.read().split(b"\n")[:-1]
        found = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if name is None or event.get("event") == name:
                found.append(event)
        return found

    def wait_event(self, wanted, seconds=10):
        """wanted: an event's name, or a predicate."""
        if isinstance(wanted, str):
            name, wanted = wanted, lambda event: event.get("event") == name
        until = time.monotonic() + seconds
        while True:
            for event in self.events():
                if wanted(event):
                    return event
            assert time.monotonic() < until, f"no such event within {seconds} s: " + " ".join(self.log_tail(5))
            time.sleep(0.02)

    def log_tail(self, lines=15):
        if not self.log.exists():
            return []
        return self.log.read_text(errors="replace").splitlines()[-lines:]
