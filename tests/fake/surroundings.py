"""A fake of everything around a worker: monitor, signer and login process in one Python program, with host keys made up
on the spot. It believes the worker, lets everybody in and runs programs as whoever started it: for tests of the
transport alone, where the real programs would only be in the way. As a program: serves a port until it is ended."""

import argparse
import fcntl
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "rogue"))
from ipc import Closed, Link, fields_decode, fields_encode, mpint, string  # noqa: E402

KEX = ("mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
       "ecdh-sha2-nistp521,diffie-hellman-group14-sha256,diffie-hellman-group15-sha512,diffie-hellman-group16-sha512,"
       "diffie-hellman-group17-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256,"
       "mlkem768nistp256-sha256,mlkem1024nistp384-sha384,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com")
CIPHERS = ("aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,"
           "aes256-ctr")
MACS = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"
USER_KEYS = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256"
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def strings(data):
    out = []
    while data:
        (size,) = struct.unpack(">I", data[:4])
        out.append(data[4:4 + size])
        data = data[4 + size:]
    return out


def kexinit_lists(payload):
    """The ten name-lists of a KEXINIT payload."""
    lists, data = [], payload[17:]
    for _ in range(10):
        (size,) = struct.unpack(">I", data[:4])
        lists.append(data[4:4 + size].decode().split(","))
        data = data[4 + size:]
    return lists


LISTS = ["key exchange method", "host key algorithm", "cipher (client to server)", "cipher (server to client)",
         "MAC (client to server)", "MAC (server to client)", "compression (client to server)",
         "compression (server to client)"]


def list_without_match(i_c, i_s):
    """The first list without a common name; a MAC that an AEAD makes superfluous is not looked for here."""
    for name, theirs, ours in zip(LISTS, kexinit_lists(i_c), kexinit_lists(i_s)):
        if not set(theirs) & set(ours):
            return name
    return "algorithm"


def kex_negotiated(i_c, i_s):
    ours = kexinit_lists(i_s)[0]
    return next(name for name in kexinit_lists(i_c)[0] if name in ours)


def kex_hash(name):
    sizes = {"nistp384": hashlib.sha384, "sha384": hashlib.sha384, "nistp521": hashlib.sha512, "sha512": hashlib.sha512}
    return next((made for end, made in sizes.items() if name.split("@")[0].endswith(end)), hashlib.sha256)


class HostKey:
    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.algorithm = "ssh-ed25519"
        self.blob = string(self.algorithm) + string(self.key.public_key().public_bytes(*RAW))

    def sign(self, data):
        return string(self.algorithm) + string(self.key.sign(data))


def exchange_hash(transcript, host_key):
    """RFC 4253 section 8, over what the worker says happened."""
    t = transcript
    name = kex_negotiated(t["i_c"], t["i_s"])
    group = name.startswith("diffie-hellman")
    public = (lambda x: mpint(int.from_bytes(x, "big"))) if group else string
    secret = string if "mlkem" in name or "sntrup" in name else lambda x: mpint(int.from_bytes(x, "big"))
    data = b"".join(string(t[x]) for x in ("v_c", "v_s", "i_c", "i_s")) + string(host_key.blob) + t["group"]
    data += public(t["client_public"]) + public(t["server_public"]) + secret(t["secret"])
    return kex_hash(name)(data).digest()


def memory_file(data):
    fd = os.memfd_create("snapshot", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return fd


def snapshot(lines):
    """As config_source_pack() writes it: one file with these lines."""
    def entry(kind, line, text):
        return bytes([kind]) + struct.pack(">I", line) + string(text)
    data = struct.pack(">II", 0x73706366, 2) + entry(2, 0, "fake.conf")
    for number, line in enumerate(lines, 1):
        data += entry(1, number, line)
    return data + entry(3, 0, "")


class Login:
    """A login process that says yes. limits: fields of auth_success."""

    pipe_size = 0  # of a program's pipes; 0: as they come

    def __init__(self, link, limits):
        self.link, self.limits, self.serial, self.lock = link, limits, 0, threading.Lock()

    def run(self):
        try:
            while True:
                message = self.link.receive(None)
                handler = getattr(self, "on_" + message.name, None)
                if handler:
                    handler(message.values)
        except Closed:
            pass

    def send(self, name, /, fds=(), **values):
        with self.lock:
            self.link.send(name, fds=fds, **values)

    def success(self):
        self.send("auth_success", **{"max_channels": 10, **self.limits})

    def on_auth_none(self, values):
        if self.limits.get("max_channels") == 0:
            return self.send("auth_failure", methods="password")
        self.success()

    def on_auth_password(self, values):
        self.success()

    def on_auth_publickey(self, values):
        if values["signed_request"]:
            return self.success()
        self.send("auth_pk_ok", algorithm=values["algorithm"], blob=values["blob"])

    def on_auth_unknown(self, values):
        self.send("auth_failure", methods="password")

    def on_channel_env(self, values):
        self.send("channel_done", channel=values["channel"], ok=True)

    on_channel_break = on_channel_env

    def on_channel_pty(self, values):
        self.send("channel_done", channel=values["channel"], ok=False)

    def on_channel_run(self, values):
        command = {"": "exec /bin/sh", "sftp": "exec /usr/lib/openssh/sftp-server"}.get(values["command"].decode(), values["command"].decode())
        child = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        fds = [child.stdin.fileno(), child.stdout.fileno(), child.stderr.fileno()]
        if self.pipe_size:
            for fd in fds:
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, self.pipe_size)
        self.serial += 1
        serial = self.serial
        self.send("channel_started", fds=fds, channel=values["channel"], serial=serial)
        for pipe in (child.stdin, child.stdout, child.stderr):
            pipe.close()
        threading.Thread(target=self.reap, args=(child, values["channel"], serial), daemon=True).start()

    def reap(self, child, channel, serial):
        status = child.wait()
        try:
            self.send("channel_exited", channel=channel, serial=serial, status=status & 0xff)
        except (Closed, OSError):
            pass


class Connection:
    """The monitor's and the signer's side of one worker."""

    def __init__(self, link, host_key, limits, say, number):
        self.link, self.host_key, self.limits, self.say, self.number = link, host_key, limits, say, number
        self.session_id, self.ended, self.signatures = None, None, 0

    def run(self):
        try:
            while True:
                message = self.link.receive(None)
                getattr(self, "on_" + message.name)(message.values)
        except Closed:
            self.say(self.number, "link closed")

    def on_event(self, values):
        fields = [x.decode(errors="backslashreplace") for x in strings(values["fields"])]
        self.say(self.number, f"{values['name'].decode()}: {values['text'].decode()} {fields or ''}")

    def on_ask_signature(self, values):
        transcript = fields_decode("transcript", values["transcript"])
        if not transcript["host_key_algorithm"]:
            self.link.send("end", reason=3, text=f"no common {list_without_match(transcript['i_c'], transcript['i_s'])}")
            return
        h = exchange_hash(transcript, self.host_key)
        self.session_id = self.session_id or h
        self.signatures += 1
        self.link.send("signature", h=h, signature=self.host_key.sign(h), host_key=self.host_key.blob)

    def on_ask_login(self, values):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.send("login_link", fds=[theirs.fileno()])
        theirs.close()
        threading.Thread(target=Login(Link(ours), self.limits).run, daemon=True).start()

    def on_proxied(self, values):
        """Behind a balancer: answered at once, unless the test wants to do that itself."""
        self.proxied = values
        if self.answers:
            self.link.send("proxied_policy", remote_address="192.0.2.1", remote_port=4711)

    def on_ended(self, values):
        self.ended = values
        self.say(self.number, f"ended: {values}")


class Zygote:
    """A sallyport-worker, started as init would start it, and prepared."""

    def __init__(self, program, offer=(), limits=(), config=(), say=lambda number, text: None, arguments=()):
        self.host_key, self.limits, self.say = HostKey(), dict(limits), say
        self.connections, self.exits = {}, {}
        directory = subprocess.check_output(["mktemp", "-d"], text=True).strip()
        path = os.path.join(directory, "worker.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(path)
        listener.listen(4)
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", 'exec 3<&"$1"; shift; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh",
             str(listener.fileno()), program, *arguments], pass_fds=[listener.fileno()])
        listener.close()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(path)
        self.link = Link(sock)
        fields = {"policy": "FAKE", "kex": KEX, "host_key_algorithms": self.host_key.algorithm, "ciphers": CIPHERS, "macs": MACS,
                  "compression": "none", "user_key_algorithms": USER_KEYS, **dict(offer)}
        keys = string(self.host_key.algorithm) + string(self.host_key.blob) + bytes(8) + b"\xff" * 8
        self.link.send("prepare", fds=[memory_file(snapshot(config))], generation=1,
                       offer=fields_encode("offer", variants=string(fields_encode("variant", **fields)), keys=keys))
        answer = self.link.receive(20)
        assert answer.name == "prepared", answer
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while True:
                message = self.link.receive(None)
                if message.name == "worker_exited":
                    self.exits[message.values["connection"]] = message.values["status"]
                self.say(0, f"{message.name}: {message.values}")
        except Closed:
            self.say(0, "zygote's link closed")

    def serve(self, client, number, answers=True, **more):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection = Connection(Link(ours), self.host_key, self.limits, self.say, number)
        self.connections[number] = connection
        connection.answers = answers
        self.link.send("serve", fds=[client.fileno(), theirs.fileno()], connection=number,
                       remote_address="127.0.0.1", remote_port=1, local_address="127.0.0.1", local_port=2, **more)
        client.close()
        theirs.close()
        threading.Thread(target=connection.run, daemon=True).start()
        return connection

    def stop(self):
        self.process.terminate()
        return self.process.wait(10)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", required=True)
    parser.add_argument("--port", type=int, default=2299)
    parser.add_argument("--offer", action="append", default=[], help="field=names")
    parser.add_argument("--limit", action="append", default=[], help="field of auth_success=number")
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--argument", action="append", default=[])
    parser.add_argument("--pipe-size", type=int, default=0)
    args = parser.parse_args()
    Login.pipe_size = args.pipe_size
    zygote = Zygote(args.worker, offer=[x.split("=", 1) for x in args.offer],
                    limits=[(k, int(v)) for k, v in (x.split("=") for x in args.limit)], config=args.config,
                    arguments=args.argument, say=lambda number, text: print(f"[{number}] {text}", flush=True))
    listener = socket.create_server(("127.0.0.1", args.port), backlog=128)
    number = 0
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        number += 1
        zygote.serve(client, number)


if __name__ == "__main__":
    main()
