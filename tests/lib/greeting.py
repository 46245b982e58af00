"""Waits for a server by listening to its first words (RFC 4253 section 4.2)."""

import socket
import time


def greets(host, port):
    try:
        with socket.create_connection((host, port), timeout=2) as peer:
            return peer.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_until_it_greets(host, port, seconds):
    until = time.monotonic() + seconds
    while not greets(host, port):
        if time.monotonic() > until:
            raise RuntimeError(f"no SSH server on {host} port {port} within {seconds} s")
        time.sleep(0.05)
