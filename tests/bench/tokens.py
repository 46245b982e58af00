"""Signatures by the whole server beside those of the token alone: full handshakes by several clients at once, and the token
process asked directly, by this program and nobody else, with as many requests as it takes. So a ratio is the part of the
token's speed that reaches clients; with a fast token the rest is what handshakes cost on this machine's processors, clients'
half included."""

import dataclasses
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

import account
import measures
import server
import world
from suite import Skip

TOP = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = 4
WINDOW = 16  # requests with the token process at a time: it is never idle
TOKEN_KEY, TOKEN_READY, TOKEN_SIGN, TOKEN_SIGNED = 32, 33, 34, 35


@dataclasses.dataclass
class Kind:
    name: str
    algorithm: str
    mechanism: int  # enum token_mechanism
    generate: str  # as pkcs11-tool has it
    octets: int = 32  # of what is signed: a digest, or an exchange hash


KINDS = [Kind("ed25519", "ssh-ed25519", 1, "EC:edwards25519"), Kind("ecdsa-p256", "ecdsa-sha2-nistp256", 2, "EC:prime256v1"),
         Kind("rsa-3072", "rsa-sha2-256", 3, "rsa:3072")]


def owner():
    return [int(number) for number in server.signer_owner().split(":")]


class Soft:
    """SoftHSM2 with one key."""

    name = "SoftHSM2"
    module = "/usr/lib/softhsm/libsofthsm2.so"

    def __init__(self, kind):
        self.token = server.Token(directory=world.STATE / f"token-{kind.name}", keys={"host": kind.generate})
        self.directory, self.uri = self.token.directory, self.token.uri("host")
        self.environment = {"SOFTHSM2_CONF": f"{self.directory}/softhsm2.conf"}

    def configuration(self):
        return self.token.configuration()

    def pin(self):
        return (self.directory / "pin").read_text().strip()

    def close(self):
        pass


class Tpm:
    """A software TPM with one key, which is a P-256 one."""

    name = "TPM (swtpm)"

    def __init__(self, kind):
        for program in ("swtpm", "tpm2_dictionarylockout", "pkcs11-tool"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed (swtpm, tpm2-tools, libtpm2-pkcs11-1, opensc)")
        self.directory = world.STATE / "tpm"
        self.do("start")
        settings = dict(line.split("=", 1) for line in (self.directory / "env").read_text().splitlines())
        self.module, self.secret = settings.pop("MODULE"), settings.pop("PIN")
        self.uri = f"pkcs11:token={settings.pop('TOKEN')};object=host;type=private"
        self.environment = settings
        (self.directory / "pin").write_text(self.secret)
        (self.directory / "pin").chmod(0o400)
        for path in (self.directory, *self.directory.rglob("*")):
            os.chown(path, *owner())

    def do(self, action):
        world.run(str(TOP / "tests/hsm/tpm-token"), action, str(self.directory))

    def configuration(self):
        return [f"HostKey {self.uri}", f"TokenModule {self.module}", f"TokenPIN file:{self.directory}/pin",
                *(f"TokenEnvironment {name}={value}" for name, value in self.environment.items())]

    def pin(self):
        return self.secret

    def close(self):
        self.do("stop")


TOKENS = [(Soft, kind) for kind in KINDS] + [(Tpm, KINDS[1])]


class TokenProcess:
    """sallyport-token, with this program in the signer's place."""

    def __init__(self, token):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pin = tempfile.TemporaryFile()
        pin.write(token.pin().encode())
        pin.seek(0)
        uid, gid = owner()
        fds = [theirs.fileno(), pin.fileno()]
        self.process = subprocess.Popen(
            [str(world.PROGRAMS / "token/sallyport-token"), "--module", token.module, "--link-fd", str(fds[0]), "--pin-fd",
             str(fds[1]), "--uri", token.uri], env={"PATH": "/usr/bin:/bin", **token.environment}, pass_fds=fds,
            stdin=subprocess.DEVNULL, user=uid, group=gid, extra_groups=[])
        theirs.close()
        pin.close()
        self.link = ours
        self.link.settimeout(30)
        number = None
        while number != TOKEN_READY:
            data = self.link.recv(16384)
            assert data, "the token process ended"
            number = struct.unpack(">H", data[:2])[0]
            assert number in (TOKEN_KEY, TOKEN_READY), f"it says {number}: {data[2:200]!r}"

    def ask(self, ticket, kind):
        self.link.send(struct.pack(">HQIII", TOKEN_SIGN, ticket, 0, kind.mechanism, kind.octets) + os.urandom(kind.octets))

    def answer(self):
        data = self.link.recv(16384)
        number = struct.unpack(">H", data[:2])[0] if data else 0
        assert number == TOKEN_SIGNED, f"no signature: {data[:200]!r}"

    def rate(self, kind, seconds):
        """Signatures in a second."""
        asked = answered = 0
        while asked < WINDOW:
            asked += 1
            self.ask(asked, kind)
        started = time.monotonic()
        while time.monotonic() < started + seconds:
            self.answer()
            answered += 1
            asked += 1
            self.ask(asked, kind)
        took = time.monotonic() - started
        for _ in range(WINDOW):
            self.answer()
        return answered / took

    def close(self):
        self.link.close()
        self.process.wait(10)


def alone(token, kind, seconds):
    process = TokenProcess(token)
    try:
        process.rate(kind, seconds / 5)
        return process.rate(kind, seconds)
    finally:
        process.close()


def served(running, kind, count, clients):
    count, seconds = measures.load("handshakes", measures.HOST, running.port, count, clients, kind.algorithm)
    return count / seconds


def measure_one(make, kind, scale, port):
    """figure -> value"""
    token = make(kind)
    running = None
    try:
        before = alone(token, kind, 2 * scale)
        running = server.Server(token, name=f"tokens-{port}", port=port,
                                options=["MACs +hmac-sha2-256"])
        books = account.Account(f"tokens-{port}")
        running.start(wrap=books.wrap)
        served(running, kind, 20, 1)
        one = served(running, kind, 150 * scale, 1)
        used = books.cpu_seconds()
        several = served(running, kind, 400 * scale, CLIENTS)
        cost = (books.cpu_seconds() - used) / (400 * scale) * 1000
        running.stop()
        running = None
        books.close()
        after = alone(token, kind, 2 * scale)
        return {"alone": (before + after) / 2, "noise": abs(before - after) / max(before, after), "one": one,
                "several": several, "cpu": cost}
    finally:
        if running:
            running.stop()
        token.close()


def measure(suite, scale):
    rows = []
    for at, (make, kind) in enumerate(TOKENS):
        def one(make=make, kind=kind, at=at):
            rows.append((make.name, kind.name, measure_one(make, kind, scale, 2310 + at)))
        suite.run(f"tokens: {make.name} {kind.name}", one, seconds=300)
    return rows


def show(rows):
    print(f"\n{'token':14}{'key':12}{'token alone':>14}{'(moved)':>9}{'1 client':>12}{f'{CLIENTS} clients':>12}{'ratio':>8}"
          f"{'server CPU':>13}")
    for name, kind, row in rows:
        print(f"{name:14}{kind:12}{row['alone']:>12.0f}/s{row['noise'] * 100:>8.0f}%{row['one']:>10.0f}/s"
              f"{row['several']:>10.0f}/s{row['several'] / row['alone']:>8.3f}{row['cpu']:>10.1f} ms")
    print(f"signatures of the token alone; full handshakes of the whole server; {os.cpu_count()} CPUs for the server, the token "
          "and the clients; (moved): how far the token alone was from itself, before and after", file=sys.stdout)
