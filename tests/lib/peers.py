"""The distribution's own SSH servers, for comparison: OpenSSH's sshd and Dropbear, with keys and configuration of their
own in the suite's world. They answer to the same calls as server.Server, but have no events to tell."""

import os
import pathlib
import signal
import subprocess
import time

import greeting
import world

KINDS = {"ed25519": ["-t", "ed25519"], "p256": ["-t", "ecdsa", "-b", "256"], "p384": ["-t", "ecdsa", "-b", "384"],
         "p521": ["-t", "ecdsa", "-b", "521"], "rsa": ["-t", "rsa", "-b", "2048"]}
# What only this project's server knows.
OWN_KEYWORDS = ("LogFormat",)


class KeyFiles:
    """Host keys in files, one per type."""

    def __init__(self, directory=world.STATE / "host-keys"):
        directory.mkdir(parents=True)
        self.paths = {name: directory / name for name in KINDS}
        for name, path in self.paths.items():
            world.run("ssh-keygen", "-q", *KINDS[name], "-N", "", "-f", str(path))

    def public(self, name):
        return " ".join(world.public_key(self.paths[name]).split()[:2])


class Peer:
    tells_events = False
    name = ""

    def __init__(self, keys, port):
        self.keys, self.port, self.process = keys, port, None
        self.directory = world.STATE / self.name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.configure()

    def configure(self, options=()):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def start(self, seconds=20, wrap=()):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([*wrap, *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        greeting.wait_until_it_greets("127.0.0.1", self.port, seconds)
        return self

    def stop(self, seconds=10):
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(seconds)
        self.process = None
        return 0

    def reload(self, options, seconds=10):
        self.stop(seconds)
        self.configure(options)
        self.start(seconds)

    def mark(self):
        pass

    def events(self, name=None):
        return []

    def wait_event(self, wanted, seconds=10):
        time.sleep(0.5)
        return {}

    def log_tail(self, lines=15):
        path = self.directory / "log"
        return path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []


class OpenSSH(Peer):
    name = "openssh-server"

    def __init__(self, keys, port=2222):
        pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        super().__init__(keys, port)

    def configure(self, options=()):
        lines = [line for line in options if not line.startswith(OWN_KEYWORDS)]
        if not self.understands("KexAlgorithms mlkem768x25519-sha256"):
            lines = [line.replace(",mlkem768x25519-sha256", "") for line in lines]
        matches = [line for line in lines if line.startswith("Match")]
        lines = [line for line in lines if not line.startswith("Match")]
        lines += [f"ListenAddress 127.0.0.1:{self.port}", *(f"HostKey {path}" for path in self.keys.paths.values()),
                  "UsePAM yes", "PidFile none", "Subsystem sftp /usr/lib/openssh/sftp-server",
                  "MaxStartups 200:30:400", "PerSourceMaxStartups none", "PrintMotd no"]
        if self.understands("PerSourcePenalties no"):
            lines.append("PerSourcePenalties no")
        lines += matches
        (self.directory / "sshd_config").write_text("\n".join(lines) + "\n")

    def understands(self, line):
        """Whether this version knows an option."""
        trial = self.directory / "trial"
        trial.write_text(f"HostKey {self.keys.paths['ed25519']}\n{line}\n")
        return subprocess.run(["/usr/sbin/sshd", "-t", "-f", str(trial)], capture_output=True, check=False).returncode == 0

    def command(self):
        return ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.directory / "sshd_config")]


class Dropbear(Peer):
    name = "dropbear-server"

    def configure(self, options=()):
        self.host_keys = []
        for name in ("ed25519", "p256", "rsa"):
            path = self.directory / name
            if not path.exists():
                world.run("dropbearconvert", "openssh", "dropbear", str(self.keys.paths[name]), str(path))
            self.host_keys += ["-r", str(path)]

    def command(self):
        return ["/usr/sbin/dropbear", "-F", "-E", "-p", f"127.0.0.1:{self.port}", "-P", str(self.directory / "pid"),
                *self.host_keys]


PEER_PACKAGES = ("openssh-server", "dropbear-bin")
UNPACKED = world.TOP / "build/peers"


def fetch():
    """Servers that are not installed are unpacked under build/, because installing one would start it. Before the
    suite's world is entered: it has no network."""
    if os.environ.get(world.MARK) == "inside" or (world.have("/usr/sbin/sshd") and world.have("/usr/sbin/dropbear")):
        return
    archives = UNPACKED / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    world.run("apt-get", "-qq", "-y", "install", "--download-only", "--no-install-recommends", "--reinstall",
              "-o", f"Dir::Cache::archives={archives}", *PEER_PACKAGES, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    for archive in sorted(archives.glob("*.deb")):
        world.run("dpkg", "-x", str(archive), str(UNPACKED / "root"))


def use():
    """Inside: lays what fetch() unpacked under /usr."""
    if (UNPACKED / "root/usr").is_dir() and not world.have("/usr/sbin/sshd"):
        world.run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={UNPACKED}/root/usr:/usr", "/usr")
    if not any(line.startswith("sshd:") for line in pathlib.Path("/etc/passwd").read_text().splitlines()):
        world.append("/etc/passwd", "sshd:x:2099:65534::/run/sshd:/usr/sbin/nologin\n")
    pam = pathlib.Path("/etc/pam.d/sshd")
    if not pam.exists():
        pam.write_text("".join(f"@include common-{kind}\n" for kind in ("auth", "account", "session", "password")))
