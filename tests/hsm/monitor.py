"""A monitor for sallyport-signer, written apart from the service: its own encoding of the internal messages, its own
exchange hash and its own verification of signatures, so that two programs have to agree on the RFCs and not on a bug."""

import array
import base64
import fcntl
import hashlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

TOP = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text())[1]
IDENT = f"SSH-2.0-sallyport_{VERSION}"

EVENT, CONFIGURE, CONFIGURED, UNCONFIGURED, FORGET, SIGN, SIGN_DONE, SIGN_REFUSED, ABANDON = 1, *range(16, 24)
POLICY_REPORT, POLICY_EXCEPTION = 24, 25
PROVE, PROVE_DONE, PROVE_REFUSED, HOST_KEYS, TOKEN_STATES = 26, 27, 28, 29, 30
# Message -> the fields behind the number, as struct's letters with s for a counted string.
ANSWERS = {
    EVENT: ("event", [("level", "B"), ("name", "s"), ("text", "s"), ("fields", "s")]),
    CONFIGURED: ("configured", [("generation", "Q"), ("policy", "s"), ("digest", "s"), ("offer", "s")]),
    UNCONFIGURED: ("unconfigured", [("generation", "Q"), ("waits", "B"), ("why", "s")]),
    SIGN_DONE: ("sign_done", [("connection", "Q"), ("h", "s"), ("signature", "s"), ("host_key", "s"),
                              ("negotiated", "s"), ("policy", "s"), ("client_kexinit", "s")]),
    SIGN_REFUSED: ("sign_refused", [("connection", "Q"), ("reason", "I"), ("text", "s"), ("why", "s"), ("fields", "s")]),
    PROVE_DONE: ("prove_done", [("connection", "Q"), ("signatures", "s"), ("fingerprints", "s")]),
    PROVE_REFUSED: ("prove_refused", [("connection", "Q"), ("illegal", "B"), ("why", "s")]),
    HOST_KEYS: ("host_keys", [("generation", "Q"), ("keys", "s")]),
    TOKEN_STATES: ("token_states", [("waiting", "I"), ("refused_full", "Q"), ("refused_late", "Q"), ("omitted", "I"),
                                    ("tokens", "s")]),
    POLICY_REPORT: ("policy_report", [("connection", "Q"), ("policy", "s"), ("what", "s"), ("detail", "s")]),
    POLICY_EXCEPTION: ("policy_exception", [("connection", "Q"), ("policy", "s"), ("what", "s"), ("name", "s"),
                                            ("origin", "s"), ("not_after", "Q")]),
}
VARIANT = ["policy", "digest", "kex", "host_key", "ciphers", "macs", "compression", "user_key", "exceptions"]


def string(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def mpint(value):
    value = value.lstrip(b"\0")
    return string(b"\0" + value if value and value[0] & 0x80 else value)


def strings(data):
    """A list of counted strings, taken apart."""
    found = []
    while data:
        size = struct.unpack(">I", data[:4])[0]
        found.append(data[4:4 + size])
        data = data[4 + size:]
    return found


def offer_decode(data):
    """The first variant's lists, and the keys as (algorithms, blob)."""
    variants, keys = strings(data)
    variant, found, offer = strings(variants)[0], [], {}
    for name in VARIANT:
        size = struct.unpack(">I", variant[:4])[0]
        offer[name], variant = variant[4:4 + size], variant[4 + size:]
    while keys:
        item = []
        for _ in range(2):
            size = struct.unpack(">I", keys[:4])[0]
            item.append(keys[4:4 + size])
            keys = keys[4 + size:]
        found.append(tuple(item))
        keys = keys[16:]  # from when to when it is valid
    return {**{name: value if name == "exceptions" else value.decode() for name, value in offer.items()}, "keys": found}


CONDITIONS = ["starting", "ready", "absent", "lost", "pin_refused", "wrong"]
LATENCY_BUCKETS = 16


class Reader:
    """Fields of RFC 4251, one after the other."""

    def __init__(self, data):
        self.data = data

    def take(self, kind):
        size = struct.calcsize(">" + kind)
        value, self.data = struct.unpack(">" + kind, self.data[:size])[0], self.data[size:]
        return value

    def string(self):
        size = self.take("I")
        value, self.data = self.data[:size], self.data[size:]
        return value


def states_decode(data):
    """Of each token process, by its name: what service/ipc/token_state.h has."""
    found, reader = [], Reader(data)
    while reader.data:
        token = {"name": reader.string().decode(), "module": reader.string().decode(), "replica": reader.take("I"),
                 "state": CONDITIONS[reader.take("B")], "why": reader.string().decode()}
        for name, kind in (("age_ms", "Q"), ("waiting", "I"), ("starts", "Q"), ("signatures", "Q"), ("failures", "Q"),
                           ("latency_us", "Q")):
            token[name] = reader.take(kind)
        token["latencies"] = [reader.take("Q") for _ in range(LATENCY_BUCKETS)]
        keys, token["keys"] = Reader(reader.string()), []
        while keys.data:
            token["keys"].append({"uri": keys.string().decode(), "fingerprint": keys.string().decode(),
                                  "can_sign": keys.take("B") == 1})
        found.append(token)
    return found


def decode(data):
    name, fields = ANSWERS[struct.unpack(">H", data[:2])[0]]
    data, result = data[2:], {"message": name}
    for field, kind in fields:
        if kind == "s":
            size = struct.unpack(">I", data[:4])[0]
            result[field], data = data[4:4 + size], data[4 + size:]
        else:
            width = struct.calcsize(">" + kind)
            result[field], data = struct.unpack(">" + kind, data[:width])[0], data[width:]
    assert not data, f"{len(data)} octets behind {name}"
    return result


def snapshot(text):
    """The sealed memory file that a configuration travels in (service/config/snapshot.c)."""
    out = struct.pack(">II", 0x73706366, 2) + struct.pack(">BI", 2, 0) + string("test.conf")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            out += struct.pack(">BI", 1, number) + string(line)
    out += struct.pack(">BI", 3, 0) + string("")
    fd = os.memfd_create("snapshot", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, out)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return fd


def kexinit(lists, cookie=None):
    return (b"\x14" + (cookie or os.urandom(16)) + b"".join(string(names) for names in lists) + b"\0" + bytes(4))


class Exchange:
    """One key exchange as an honest worker would state it, for curve25519-sha256."""

    def __init__(self, offer, algorithm, first=True, **changed):
        markers = ",ext-info-s,kex-strict-s-v00@openssh.com" if first else ""
        both = [offer["ciphers"], offer["ciphers"], offer["macs"], offer["macs"], offer["compression"],
                offer["compression"], "", ""]
        self.algorithm = algorithm
        self.parts = {
            "v_c": "SSH-2.0-test", "v_s": IDENT,
            "i_c": kexinit(["curve25519-sha256,ext-info-c", algorithm, "aes128-ctr", "aes256-gcm@openssh.com",
                            "hmac-sha2-256-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "none", "none", "", ""]),
            "i_s": kexinit([offer["kex"] + markers, offer["host_key"], *both]),
            "host_key_algorithm": algorithm, "group": b"",
            "client_public": os.urandom(32), "server_public": os.urandom(32), "secret": os.urandom(32)}
        self.parts.update(changed)

    def transcript(self):
        return b"".join(string(part) for part in self.parts.values())

    def hash(self, host_key):
        p = self.parts
        data = b"".join([string(p["v_c"]), string(p["v_s"]), string(p["i_c"]), string(p["i_s"]), string(host_key),
                         string(p["client_public"]), string(p["server_public"]), mpint(p["secret"])])
        return hashlib.sha256(data).digest()


def verify(blob, signature, message):
    """Raises unless the SSH signature blob is one of the SSH key blob over the message."""
    kind = strings(blob)[0].decode()
    name, inner = strings(signature)
    key = serialization.load_ssh_public_key(f"{kind} ".encode() + base64.b64encode(blob))
    if kind == "ssh-ed25519":
        key.verify(inner, message)
    elif kind == "ssh-rsa":
        digest = {"rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()}[name.decode()]
        key.verify(inner, message, padding.PKCS1v15(), digest)
    else:
        r, s = (int.from_bytes(number, "big") for number in strings(inner))
        digest = {"nistp256": hashes.SHA256(), "nistp384": hashes.SHA384(), "nistp521": hashes.SHA512()}[kind[-8:]]
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))


class Signer:
    """A running sallyport-signer and the link to it."""

    def __init__(self, programs, directory, uid=None, options=(), environment=None, wrap=()):
        self.path = directory / "signer.sock"
        self.log_path = directory / "signer.log"
        self.events, self.generation, self.connection, self.offer = [], 0, 0, None
        self.states, self.queue, self.states_seen, self.offers = [], {}, 0, 0
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.path.unlink(missing_ok=True)
        listener.bind(str(self.path))
        listener.listen(4)
        command = [str(programs / "signer/sallyport-signer"), "--state-dir", str(directory / "state"), *options]
        if uid is not None:
            command += ["--user", f"{uid}:{uid}", "--monitor-uid", "0"]

        # As systemd hands a socket over: descriptor 3, and two variables that name the process.
        fd = listener.fileno()
        close = f" {fd}<&-" if fd != 3 else ""
        shell = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{fd}{close}'
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(["bash", "-c", shell, "signer", *wrap, *command], pass_fds=[fd],
                                        env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        listener.close()
        self.connect()

    def connect(self):
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.connect(str(self.path))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self.link.close()
        self.log.close()
        return status

    def send(self, number, body, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.link.sendmsg([struct.pack(">H", number) + body], rights)

    def receive(self, seconds=10):
        """The next message that is no event; events are kept."""
        until = time.monotonic() + seconds
        while True:
            self.link.settimeout(max(until - time.monotonic(), 0.001))
            data = self.link.recv(100000)
            assert data, "the signer closed the link"
            message = decode(data)
            if message["message"] == "host_keys":
                self.host_keys = message["keys"]
                continue
            if message["message"] == "token_states":
                self.states, self.queue = states_decode(message["tokens"]), message
                self.states_seen += 1
                continue
            if message["message"] != "event":
                return message
            self.events.append((message["name"].decode(), message["text"].decode()))

    def ask_configure(self, text, reload=False):
        self.generation += 1
        fd = snapshot(text)
        self.send(CONFIGURE, struct.pack(">QB", self.generation, reload), [fd])
        os.close(fd)

    def configure(self, text, seconds=30, reload=None):
        """As a monitor does that has the last one in force, if there is one."""
        self.ask_configure(text, self.offer is not None if reload is None else reload)
        return self.configured(seconds)

    def configured(self, seconds=30):
        """The next answer to configure, or another offer."""
        answer = self.receive(seconds)
        if answer["message"] == "configured":
            self.offer = offer_decode(answer["offer"])
            self.offers += 1
        return answer

    def state(self, name):
        """The state of the first process on a token, as it was told last."""
        return next(token for token in self.states if name in token["name"])

    def must_configure(self, text, seconds=30):
        answer = self.configure(text, seconds)
        assert answer["message"] == "configured", answer.get("why")
        return self.offer

    def must_not_configure(self, text, seconds=30, waits=None):
        answer = self.configure(text, seconds)
        assert waits is None or answer.get("waits") == waits, answer
        assert answer["message"] == "unconfigured", "it was accepted"
        return answer["why"].decode()

    def ask_sign(self, exchange, first=True, session_id=b"", connection=None, address="192.0.2.1"):
        if connection is None:
            self.connection += 1
            connection = self.connection
        self.send(SIGN, struct.pack(">QQB", connection, self.generation, first) + string(session_id) +
                  string(address) + string("192.0.2.2") + struct.pack(">H", 22) + string("") + string(b"") +
                  string(b"") + string(exchange.transcript()))
        return connection

    def sign(self, algorithm, seconds=10, **changed):
        exchange = Exchange(self.offer, algorithm, **changed)
        connection = self.ask_sign(exchange)
        answer = self.receive(seconds)
        assert answer["connection"] == connection, "the answer is for another connection"
        return exchange, answer

    def must_sign(self, algorithm, seconds=10):
        exchange, answer = self.sign(algorithm, seconds)
        self.check(exchange, answer)
        return answer

    def check(self, exchange, answer):
        assert answer["message"] == "sign_done", answer.get("why")
        assert answer["h"] == exchange.hash(answer["host_key"]), "H is another one"
        assert strings(answer["signature"])[0].decode() == exchange.algorithm
        try:
            verify(answer["host_key"], answer["signature"], answer["h"])
        except InvalidSignature:
            raise AssertionError("the signature is wrong") from None

    def drain(self, seconds=0.2):
        """Collects events for a while."""
        try:
            message = self.receive(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"unasked for: {message}")

    def token_processes(self):
        """Process ids of all descendants that are sallyport-token."""
        found, children = [], [self.process.pid]
        while children:
            pid = children.pop()
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as listed:
                    more = [int(word) for word in listed.read().split()]
                with open(f"/proc/{pid}/comm") as comm:
                    if comm.read().strip() == "sallyport-token":
                        found.append(pid)
            except FileNotFoundError:
                continue
            children += more
        return found
