"""A client that says what it is told to and shows what the server answers: a KEXINIT of given lists, and the DISCONNECT
that follows. RFC 4253 sections 7.1 and 11.1."""

import os
import socket
import struct

FULL = {"kex": ["curve25519-sha256"], "host_key": ["ssh-ed25519"], "cipher": ["aes256-gcm@openssh.com"],
        "mac": ["hmac-sha2-256"], "compression": ["none"]}
STRICT = "kex-strict-c-v00@openssh.com"


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">I", len(data)) + data


def kexinit(**lists):
    names = {**FULL, **lists}
    order = [names["kex"], names["host_key"], names["cipher"], names["cipher"], names["mac"], names["mac"],
             names["compression"], names["compression"], [], []]
    return bytes([20]) + os.urandom(16) + b"".join(string(",".join(one)) for one in order) + bytes(5)


def packet(payload):
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def receive_exactly(peer, count):
    data = b""
    while len(data) < count:
        piece = peer.recv(count - len(data))
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data


def receive(peer):
    length, padding = struct.unpack(">IB", receive_exactly(peer, 5))
    assert length <= 35000, "packet too long"
    return receive_exactly(peer, length - 1)[: length - 1 - padding]


def offered(port, source="127.0.0.1"):
    """kind -> names of the server's KEXINIT, without the markers, which no client can choose."""
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0)) as peer:
        while not receive_exactly(peer, 1).endswith(b"\n"):
            pass
        peer.sendall(b"SSH-2.0-raw\r\n")
        payload = receive(peer)
    at, lists = 17, []
    for _ in range(8):
        (size,) = struct.unpack_from(">I", payload, at)
        lists.append(payload[at + 4 : at + 4 + size].decode().split(","))
        at += 4 + size
    kex = [name for name in lists[0] if name not in ("ext-info-s", "kex-strict-s-v00@openssh.com")]
    return {"kex": kex, "host_key": lists[1], "cipher": lists[2], "mac": lists[4], "compression": lists[6]}


def disconnect_of(port, source="127.0.0.1", go_on=False, **lists):
    """(reason, text) that a client with these lists is sent away with; None if it gets a reply. go_on: with a public
    value for curve25519 behind its KEXINIT, since a server may look at some rules only when it is asked to sign."""
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0)) as peer:
        while not receive_exactly(peer, 1).endswith(b"\n"):
            pass
        peer.sendall(b"SSH-2.0-raw\r\n" + packet(kexinit(**lists)))
        assert receive(peer)[0] == 20, "no KEXINIT"
        if go_on:
            peer.sendall(packet(bytes([30]) + string(os.urandom(32))))
        payload = receive(peer)
    if payload[0] == 31:
        return None
    assert payload[0] == 1, f"message {payload[0]}, neither DISCONNECT nor a reply"
    reason, size = struct.unpack_from(">II", payload, 1)
    return reason, payload[9 : 9 + size].decode()
