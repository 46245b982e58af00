"""Reads a peer's KEXINIT (RFC 4253 section 7.1) without going on with the exchange: what a client or server has."""

import socket
import struct

from clients import KINDS

MARKERS = ("ext-info-c", "ext-info-s", "kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com")


def receive_exactly(peer, count):
    data = b""
    while len(data) < count:
        piece = peer.recv(count - len(data))
        if not piece:
            raise ConnectionError("the peer closed before its KEXINIT")
        data += piece
    return data


def receive_ident(peer):
    line = b""
    while not line.endswith(b"\n"):
        line += receive_exactly(peer, 1)
        assert len(line) <= 255, "identification line too long"
    return line.rstrip(b"\r\n").decode()


def receive_kexinit(peer):
    """Returns kind -> names, in the peer's order."""
    length, padding = struct.unpack(">IB", receive_exactly(peer, 5))
    assert length <= 35000, "first packet too long"
    payload = receive_exactly(peer, length - 1)[: length - 1 - padding]
    assert payload[0] == 20, f"first message is {payload[0]}, not KEXINIT"
    at, lists = 17, []
    for _ in range(10):
        (size,) = struct.unpack_from(">I", payload, at)
        lists.append(payload[at + 4 : at + 4 + size].decode().split(","))
        at += 4 + size
    names = dict(zip(KINDS, (lists[0], lists[1], lists[2], lists[4])))
    names["compression"] = lists[6]
    names["kex"] = [name for name in names["kex"] if name not in MARKERS]
    return names


def of_server(host, port):
    with socket.create_connection((host, port), timeout=10) as peer:
        receive_ident(peer)
        peer.sendall(b"SSH-2.0-interop\r\n")
        return receive_kexinit(peer)


def of_client(start, seconds=20):
    """start(port) begins a connection in the background."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(seconds)
        running = start(listener.getsockname()[1])
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(seconds)
            peer.sendall(b"SSH-2.0-interop\r\n")
            receive_ident(peer)
            names = receive_kexinit(peer)
    if hasattr(running, "kill"):
        running.kill()
        running.wait()
    else:
        running.join(seconds)
    return names
