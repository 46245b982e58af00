"""What the suite asks of every client, and how a client is told what to use.

A client is one class per program or library, in client_<name>.py. It logs in to a Target with a Credential and reports
a Result; where it can be told which algorithms to use it takes a Choice.
"""

import copy
import dataclasses
import os
import re
import subprocess

import world

KINDS = ("kex", "host_key", "cipher", "mac")
AEAD = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")


@dataclasses.dataclass(frozen=True)
class Choice:
    kex: str
    host_key: str
    cipher: str
    mac: str  # of no effect with an AEAD cipher


@dataclasses.dataclass(frozen=True)
class Credential:
    user: str
    method: str  # publickey, password, keyboard-interactive
    secret: object  # a private key's path, or the password


@dataclasses.dataclass(frozen=True)
class Target:
    host: str
    port: int
    known_hosts: str
    fingerprints: tuple = ()


@dataclasses.dataclass
class Result:
    status: int = None  # the command's exit status; None if the login failed
    out: bytes = b""
    err: bytes = b""
    why: str = ""


class Client:
    name = ""
    packages = ()  # Debian packages it needs
    chooses = True  # takes a Choice; otherwise the server is configured to leave it none
    rekeys = True  # can be told to rekey by volume
    compresses = False  # can be told to compress
    compress = False  # is told to

    def compressing(self):
        """The same client, told to compress with zlib@openssh.com in both directions."""
        other = copy.copy(self)
        other.compress = True
        return other

    def sends_data_in_exchanges(self):
        """A client that cannot keep quiet during a rekey: such a connection is ended by the server, as it must be."""
        return False

    def offered(self):
        """Its lists as kind -> names, or None: they are read from the KEXINIT that it sends (kexinit.py)."""
        return None

    def greet(self, port):
        """Starts a connection to 127.0.0.1:port in the background, for its KEXINIT; returns a Popen or a thread."""
        raise NotImplementedError

    def log_in(self, target, credential, command, choice=None):
        raise NotImplementedError

    def log_in_each(self, target, credential, choices):
        """Yields (choice, None or why it failed); every login runs a command that ends with status 7."""
        for choice in choices:
            result = self.log_in(target, credential, "exit 7", choice)
            yield choice, None if result.status == 7 else (result.why or result.err.decode(errors="replace") or
                                                           f"status {result.status}")

    def shell(self, target, credential, typed):
        """A shell on a pseudo-terminal of 101 columns and 31 rows, into which `typed` goes; its output."""
        raise NotImplementedError

    def put(self, target, credential, local, remote, rekey=0):
        raise NotImplementedError

    def get(self, target, credential, remote, local, rekey=0):
        raise NotImplementedError


def run_program(arguments, stdin=None, environment=None, seconds=120):
    """A program that must not find a terminal or anything of the caller's."""
    base = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.environ["HOME"], "LANG": "C.UTF-8", "TERM": "xterm"}
    if isinstance(stdin, (bytes, type(None))):
        options = {"input": stdin or b""}
    else:
        options = {"stdin": stdin}
    done = subprocess.run([str(a) for a in arguments], capture_output=True, env={**base, **(environment or {})},
                          timeout=seconds, start_new_session=True, check=False, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def start_program(arguments, environment=None):
    base = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.environ["HOME"], "LANG": "C.UTF-8", "TERM": "xterm"}
    return subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env={**base, **(environment or {})}, start_new_session=True)


def registry():
    """Every algorithm of modules/registry.def, by kind."""
    text = (world.TOP / "modules/registry.def").read_text()
    kinds = {"KEX": "kex", "CIPHER": "cipher", "MAC": "mac", "KEYTYPE": "host_key"}
    found = {kind: [] for kind in KINDS}
    for macro, name in re.findall(r'^(\w+)\(\w+, "([^"]+)"\)', text, re.MULTILINE):
        if macro in kinds and not (macro == "KEYTYPE" and "@" in name):  # certificates and authenticators are users'
            found[kinds[macro]].append(name)
    return found


def choices(ours, theirs):
    """Every combination that both sides have; a MAC counts only where the cipher needs one."""
    common = {kind: [name for name in ours[kind] if name in theirs[kind]] for kind in KINDS}
    for kex in common["kex"]:
        for host_key in common["host_key"]:
            for cipher in common["cipher"]:
                for mac in (common["mac"][:1] if cipher in AEAD else common["mac"]):
                    yield Choice(kex, host_key, cipher, mac)
