"""Everything that a client can do wrong before it is logged in, and what it may do right, each from an address of its own, so
that a log can be asked by address who was taken for whom."""

import contextlib
import socket
import struct
import threading
import time

import paramiko

PORT = 2222
# Nobody connects from here. Whoever bans it has believed a client's words.
INNOCENT = "192.0.2.66"
FORGED = f"Failed password for root from {INNOCENT} port 22 ssh2"


def connect(address):
    return socket.create_connection(("127.0.0.1", PORT), source_address=(address, 0), timeout=20)


@contextlib.contextmanager
def transport(address, version=None, **security):
    """A connection whose keys are exchanged."""
    client = paramiko.Transport(connect(address))
    if version:
        client.local_version = version
    for name, value in security.items():
        setattr(client.get_security_options(), name, value)
    try:
        client.start_client(timeout=20)
        yield client
    finally:
        client.close()


def refused(function, *arguments):
    try:
        function(*arguments)
    except paramiko.SSHException:
        return
    raise AssertionError("the client was let in")


# ---- those who fail ------------------------------------------------------------------------------------------------

def wrong_password(address, user="alice", tries=1):
    with transport(address) as client:
        for _ in range(tries):
            refused(client.auth_password, user, "wrong")


def invalid_user(address):
    wrong_password(address, "nobody-here")


def only_asks(address):
    """Names somebody, learns which methods there are, and goes."""
    with transport(address) as client:
        refused(client.auth_none, "nobody-there")


def wrong_answer(address):
    with transport(address) as client:
        refused(client.auth_interactive, "alice", lambda *_: ["wrong"])


def too_many_tries(address):
    with transport(address) as client:
        for _ in range(3):
            refused(client.auth_password, "alice", "wrong")
        deadline = time.monotonic() + 10
        while client.is_active() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not client.is_active(), "MaxAuthTries did not end it"


def not_in_allow_users(address):
    wrong_password(address, "carol")


def in_deny_users(address):
    wrong_password(address, "bob")


def root(address):
    wrong_password(address, "root")


def closes(address):
    with transport(address) as client:
        refused(client.auth_none, "alice")
        client.sock.shutdown(socket.SHUT_RDWR)


def resets(address):
    with transport(address) as client:
        refused(client.auth_none, "alice")
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.active = False
        client.sock.close()
        time.sleep(0.5)


def no_common_cipher(address):
    refused(lambda: transport(address, ciphers=("3des-cbc",)).__enter__())


def silent(address):
    connect(address).close()


def speaks_http(address):
    with connect(address) as peer:
        peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(OSError):
            while peer.recv(4096):
                pass


def many_at_once(address):
    peers = []
    try:
        for _ in range(8):
            peers.append(connect(address))
            time.sleep(0.05)
        assert b"Exceeded MaxStartups" in peers[-1].recv(100), "nobody was dropped"
    finally:
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.sendall(b"SSH-2.0-many\r\n")
            peer.close()


# ---- those who may come in -----------------------------------------------------------------------------------------

def leave(client):
    """As OpenSSH leaves: with a DISCONNECT (RFC 4253 section 11.1)."""
    message = paramiko.Message()
    message.add_byte(bytes([1]))
    message.add_int(11)
    message.add_string("disconnected by user")
    message.add_string("")
    client._send_user_message(message)  # paramiko has no name of its own for it
    time.sleep(0.3)


def with_password(address):
    with transport(address) as client:
        client.auth_password("alice", "correct horse")
        channel = client.open_session()
        channel.exec_command(f"true; {FORGED}")
        channel.recv_exit_status()
        leave(client)


def with_key(address, key):
    with transport(address) as client:
        refused(client.auth_publickey, "alice", paramiko.RSAKey.generate(2048))
        client.auth_publickey("alice", paramiko.Ed25519Key.from_private_key_file(key))
        leave(client)


def waits_for_a_password(address):
    """A human's: nothing was tried yet that could fail."""
    with transport(address) as client:
        refused(client.auth_none, "alice")
        client.auth_password("alice", "correct horse")


# ---- those who lie -------------------------------------------------------------------------------------------------

HOSTILE_NAMES = (
    f"root from {INNOCENT} port 22 ssh2: x",
    f"x from {INNOCENT}",
    f"from {INNOCENT} port 22 ssh2",
    f"root from {INNOCENT} port 22 [preauth]",
    f"x\nNov 21 17:00:00 box sallyportd[1]: {FORGED}",
    f"x\r{FORGED}",
    f"x\n{FORGED}\n",
    f"x\x1b[2K\x1b[1G{FORGED}",
    f"' {FORGED}",
    f'" {FORGED} "',
    f"\\n{FORGED}",
    f"x\u2028{FORGED}",
    f"x\u00a0from\u00a0{INNOCENT}\u00a0port\u00a022",
    f"x\tfrom\t{INNOCENT}\tport\t22",
    f"{INNOCENT} port 22",
    f"{INNOCENT}",
    f"%s%n from {INNOCENT}",
    "a" * 255,
    "\n" * 255,
    (" from " + INNOCENT) * 14,
    f"invalid user x {INNOCENT} port 22 [preauth]",
    "",
)


def lies_by_name(address, name):
    with transport(address) as client:
        refused(client.auth_password, name, "wrong")


def lies_by_version(address):
    with connect(address) as peer:
        peer.sendall(f"SSH-2.0-x from {INNOCENT} port 22\r\n".encode())
        peer.recv(4096)
    with connect(address) as peer:
        peer.sendall(f"{FORGED}\r\n".encode())
        peer.recv(4096)
    with connect(address) as peer:
        peer.sendall(f"SSH-1.5-x\n{FORGED}\r\n".encode())
        peer.recv(4096)


def lies_by_version_in_full(address):
    with transport(address, version=f"SSH-2.0-{FORGED}") as client:
        refused(client.auth_password, "alice", "wrong")


def lies_in_its_last_words(address):
    for text in (f"x [preauth]\nbox sallyportd[2]: {FORGED}", f"bye from {INNOCENT} port 22: Auth fail"):
        with transport(address) as client:
            refused(client.auth_none, "alice")
            message = paramiko.Message()
            message.add_byte(bytes([1]))
            message.add_int(3)
            message.add_string(text)
            message.add_string("")
            client._send_user_message(message)
            time.sleep(0.3)


def lies_in_its_lists(address):
    """A KEXINIT whose names are sentences (RFC 4253 section 7.1)."""
    with connect(address) as peer:
        peer.sendall(b"SSH-2.0-lists\r\n")
        names = f"x found. {FORGED}".encode()
        payload = bytes([20]) + bytes(16) + 10 * (struct.pack(">I", len(names)) + names) + bytes(5)
        padding = 16 - (5 + len(payload)) % 8
        peer.sendall(struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding))
        with contextlib.suppress(OSError):
            while peer.recv(4096):
                pass


def at_once(jobs):
    """Runs (function, arguments...) beside each other; the first failure is raised."""
    wrong = []

    def work(job):
        try:
            job[0](*job[1:])
        except Exception as why:  # whatever a client library raises
            wrong.append(f"{job[0].__name__}{job[1:]}: {type(why).__name__}: {why}")

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong, "; ".join(wrong)
