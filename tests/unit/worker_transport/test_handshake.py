#!/usr/bin/env python3
"""The built sallyport-worker with everything around it faked, and clients that break the rules of the first exchange:
each must be told why and let go, and none may kill a worker. Run: test_handshake.py PATH-OF-SALLYPORT-WORKER"""

import os
import socket
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "fake"))
import surroundings  # noqa: E402
from ipc import mpint, string  # noqa: E402

from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import x25519  # noqa: E402

RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
PROTOCOL_ERROR, KEX_FAILED, VERSION_REFUSED = 2, 3, 8


class Client:
    """As much of a client as fits in the clear."""

    def __init__(self, zygote, number, **how):
        ours, theirs = socket.socketpair()
        self.sock, self.data = ours, b""
        self.sock.settimeout(10)
        self.connection = zygote.serve(theirs, number, **how)
        self.zygote, self.number = zygote, number
        self.banner = b"" if how else self.line()

    def read(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError
        self.data += more

    def line(self):
        while b"\n" not in self.data:
            self.read()
        line, self.data = self.data.split(b"\n", 1)
        return line

    def packet(self):
        while len(self.data) < 4 or len(self.data) < 4 + struct.unpack(">I", self.data[:4])[0]:
            self.read()
        (length,) = struct.unpack(">I", self.data[:4])
        body, self.data = self.data[4:4 + length], self.data[4 + length:]
        return body[1:length - body[0]]

    def send(self, payload):
        padding = 8 - (5 + len(payload)) % 8
        padding += 8 if padding < 4 else 0
        self.sock.sendall(struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding))

    def ident(self, text=b"SSH-2.0-test\r\n"):
        self.sock.sendall(text)

    def begin(self):
        self.ident()
        return self.packet()

    def must_be_told(self, reason, words):
        while True:
            payload = self.packet()
            if payload[0] == 1:
                break
        (code, size) = struct.unpack(">II", payload[1:9])
        text = payload[9:9 + size].decode()
        assert code == reason and words in text, f"told {code} {text!r}, expected {reason} {words!r}"
        self.must_end()

    def must_end(self):
        try:
            while True:
                self.read()
        except (EOFError, ConnectionResetError):
            pass
        deadline = time.monotonic() + 10
        while self.number not in self.zygote.exits:
            assert time.monotonic() < deadline, "the worker did not exit"
            time.sleep(0.01)
        assert self.zygote.exits[self.number] == 0, f"the worker died: {self.zygote.exits[self.number]}"
        assert self.connection.ended, "no last words"


def kexinit(kex="curve25519-sha256,kex-strict-c-v00@openssh.com,ext-info-c", host_key="ssh-ed25519",
            ciphers="aes128-gcm@openssh.com", macs="hmac-sha2-256", compression="none", follows=0, reserved=0):
    body = bytes([20]) + os.urandom(16)
    for names in (kex, host_key, ciphers, ciphers, macs, macs, compression, compression, "", ""):
        body += string(names)
    return body + bytes([follows]) + struct.pack(">I", reserved)


def public():
    return bytes([30]) + string(x25519.X25519PrivateKey.generate().public_key().public_bytes(*RAW))


def reply_comes(client):
    reply = client.packet()
    assert reply[0] == 31, f"message {reply[0]} instead of the reply"
    assert client.packet() == bytes([21])
    client.sock.close()


# ---- what is allowed ----

def gives_its_reply(client):
    client.begin()
    client.send(kexinit())
    client.send(public())
    reply_comes(client)


def takes_everything_in_one_write(client):
    client.ident()
    client.send(kexinit())
    client.send(public())
    assert client.packet()[0] == 20
    reply_comes(client)


def takes_octets_one_by_one(client):
    for octet in b"SSH-2.0-slow\r\n":
        client.sock.sendall(bytes([octet]))
        time.sleep(0.001)
    assert client.packet()[0] == 20
    client.send(kexinit())
    client.send(public())
    reply_comes(client)


def drops_the_packet_of_a_wrong_guess(client):
    client.begin()
    client.send(kexinit(kex="ecdh-sha2-nistp256,curve25519-sha256", follows=1))  # our first choice is another
    client.send(bytes([30]) + string(b"a guess"))
    client.send(bytes([30]) + string(b"\x04" + bytes(64)))  # not dropped: no point of the curve
    client.must_be_told(KEX_FAILED, "public value")


def uses_the_packet_of_a_right_guess(client):
    first = surroundings.kexinit_lists(client.begin())[0][0]
    assert first == "curve25519-sha256"
    client.send(kexinit(kex="curve25519-sha256", follows=1))
    client.send(public())
    reply_comes(client)


GEX = "diffie-hellman-group-exchange-sha256"


def gex_request(client, *sizes, number=34):
    client.begin()
    client.send(kexinit(kex=GEX))
    client.send(bytes([number]) + b"".join(struct.pack(">I", size) for size in sizes))


def gex_group(client, *sizes):
    gex_request(client, *sizes)
    payload = client.packet()
    assert payload[0] == 31, f"message {payload[0]} instead of the group"
    prime, generator = surroundings.strings(payload[1:])
    assert generator == b"\2"
    return int.from_bytes(prime, "big")


def gives_a_group_of_the_size_that_is_asked_for(client):
    prime = gex_group(client, 1024, 3000, 8192)
    assert prime.bit_length() == 3072
    client.send(bytes([32]) + mpint(pow(2, 1 << 300, prime)))
    reply = client.packet()
    assert reply[0] == 33, f"message {reply[0]} instead of the reply"
    public_value = int.from_bytes(surroundings.strings(reply[1:])[1], "big")
    assert 1 < public_value < prime - 1
    assert client.packet() == bytes([21])
    client.sock.close()


def drops_a_guessed_request_for_a_group(client):
    client.begin()
    client.send(kexinit(kex=f"ecdh-sha2-nistp256,{GEX}", follows=1))
    client.send(bytes([34]) + struct.pack(">III", 0, 0, 0))
    client.send(bytes([30]) + string(b"\x04" + bytes(64)))
    client.must_be_told(KEX_FAILED, "public value")


# ---- what is not ----

def refuses_the_old_request_for_a_group(client):
    gex_request(client, 2048, number=30)
    client.must_be_told(KEX_FAILED, "old form")


def refuses_requests_that_no_group_fits(client):
    gex_request(client, 1024, 1024, 1536)
    client.must_be_told(KEX_FAILED, "at least 2048")


def refuses_requests_for_more_than_there_is(client):
    gex_request(client, 0xffffffff, 0xffffffff, 0xffffffff)
    client.must_be_told(KEX_FAILED, "no group of 4294967295 to 4294967295 bits")


def refuses_requests_that_contradict_themselves(client):
    gex_request(client, 8192, 4096, 2048)
    client.must_be_told(KEX_FAILED, "cannot be between")


def refuses_half_a_request(client):
    gex_request(client, 2048, 2048)
    client.must_be_told(PROTOCOL_ERROR, "malformed")


def refuses_octets_behind_a_request(client):
    gex_request(client, 2048, 2048, 2048, 0)
    client.must_be_told(PROTOCOL_ERROR, "malformed")


def refuses_a_second_request(client):
    gex_group(client, 2048, 2048, 2048)
    client.send(bytes([34]) + struct.pack(">III", 2048, 2048, 2048))
    client.must_be_told(PROTOCOL_ERROR, "order")


def refuses_a_public_value_before_the_group(client):
    gex_request(client, number=32)
    client.must_be_told(PROTOCOL_ERROR, "order")


def refuses_message_30_in_place_of_32(client):
    gex_group(client, 2048, 2048, 2048)
    client.send(bytes([30]) + mpint(4))
    client.must_be_told(PROTOCOL_ERROR, "order")


def refuses_a_public_value_that_the_group_has_not(client):
    prime = gex_group(client, 2048, 2048, 2048)
    client.send(bytes([32]) + mpint(prime - 1))
    client.must_be_told(KEX_FAILED, "public value")


def refuses_a_request_for_a_group_with_a_method_that_has_its_own(client):
    client.begin()
    client.send(kexinit())
    client.send(bytes([34]) + struct.pack(">III", 2048, 2048, 2048))
    client.must_be_told(PROTOCOL_ERROR, "order")


def refuses_message_32_with_a_method_that_has_its_own_group(client):
    client.begin()
    client.send(kexinit())
    client.send(bytes([32]) + public()[1:])
    client.must_be_told(PROTOCOL_ERROR, "order")


def refuses_a_request_for_a_group_before_kexinit(client):
    client.begin()
    client.send(bytes([34]) + struct.pack(">III", 2048, 2048, 2048))
    client.must_be_told(PROTOCOL_ERROR, "order")


def refuses_a_guess_that_is_no_kex_message(client):
    client.begin()
    client.send(kexinit(kex="ecdh-sha2-nistp256", follows=1))
    client.send(bytes([2]) + string(b""))
    client.must_be_told(PROTOCOL_ERROR, "IGNORE")


def refuses_ignore_before_kexinit(client):
    client.begin()
    client.send(bytes([2]) + string(b"x"))
    client.must_be_told(PROTOCOL_ERROR, "IGNORE")


def refuses_debug_in_the_exchange(client):
    client.begin()
    client.send(kexinit())
    client.send(bytes([4, 0]) + string(b"x") + string(b""))
    client.must_be_told(PROTOCOL_ERROR, "DEBUG")


def refuses_unknown_numbers_in_the_exchange(client):
    client.begin()
    client.send(kexinit())
    client.send(bytes([200]))
    client.must_be_told(PROTOCOL_ERROR, "200")


def refuses_newkeys_first(client):
    client.begin()
    client.send(bytes([21]))
    client.must_be_told(PROTOCOL_ERROR, "NEWKEYS")


def refuses_newkeys_before_the_public_value(client):
    client.begin()
    client.send(kexinit())
    client.send(bytes([21]))
    client.must_be_told(PROTOCOL_ERROR, "NEWKEYS")


def refuses_the_public_value_before_kexinit(client):
    client.begin()
    client.send(public())
    client.must_be_told(PROTOCOL_ERROR, "order")


def refuses_a_second_kexinit(client):
    client.begin()
    client.send(kexinit())
    client.send(kexinit())
    client.must_be_told(PROTOCOL_ERROR, "KEXINIT")


def refuses_login_in_the_clear(client):
    client.begin()
    client.send(bytes([50]) + string("root") + string("ssh-connection") + string("none"))
    client.must_be_told(PROTOCOL_ERROR, "USERAUTH_REQUEST")


def refuses_channels_in_the_clear(client):
    client.begin()
    client.send(kexinit())
    client.send(bytes([90]) + string("session") + struct.pack(">III", 0, 1 << 20, 1 << 15))
    client.must_be_told(PROTOCOL_ERROR, "CHANNEL_OPEN")


def refuses_a_malformed_kexinit(client):
    client.begin()
    client.send(kexinit()[:-1])
    client.must_be_told(PROTOCOL_ERROR, "malformed KEXINIT")


def refuses_a_public_value_of_low_order(client):
    client.begin()
    client.send(kexinit())
    client.send(bytes([30]) + string(bytes(32)))
    client.must_be_told(KEX_FAILED, "public value")


def refuses_octets_behind_the_public_value(client):
    client.begin()
    client.send(kexinit())
    client.send(public() + b"\0")
    client.must_be_told(PROTOCOL_ERROR, "malformed")


def names_the_list_without_a_match(client):
    client.begin()
    client.send(kexinit(ciphers="3des-cbc"))
    client.must_be_told(KEX_FAILED, "no common cipher (client to server)")


def refuses_compression(client):
    client.begin()
    client.send(kexinit(compression="zlib"))
    client.must_be_told(KEX_FAILED, "no common compression")


def refuses_an_impossible_length(client):
    client.begin()
    client.sock.sendall(struct.pack(">I", 0x7fffffff) + bytes(12))
    client.must_be_told(PROTOCOL_ERROR, "packet length")


def refuses_short_padding(client):
    client.begin()
    client.sock.sendall(struct.pack(">IB", 12, 3) + bytes(11))
    client.must_be_told(PROTOCOL_ERROR, "padding")


def says_a_line_to_an_old_client(client):
    client.ident(b"SSH-1.5-old\n")
    assert b"2.0" in client.line()
    client.must_end()


def says_a_line_to_a_browser(client):
    client.ident(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"SSH" in client.line()
    client.must_end()


def ends_quietly_with_its_client(client):
    client.begin()
    client.sock.close()
    deadline = time.monotonic() + 10
    while client.number not in client.zygote.exits and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.zygote.exits[client.number] == 0
    assert client.connection.ended["by_peer"]


def cookies_and_publics_differ(zygote, number):
    """A fork must not inherit its random numbers: neither the kernel's, which are asked for, nor libcrypto's."""
    cookies, publics = set(), set()
    for _ in range(20):
        number += 1
        client = Client(zygote, number)
        cookies.add(client.begin()[1:17])
        client.send(kexinit())
        client.send(public())
        reply = client.packet()
        publics.add(surroundings.strings(reply[1:])[1])
        client.sock.close()
    assert len(cookies) == 20 and len(publics) == 20, "two workers made the same random numbers"
    return number


def a_crash_retires_the_zygote(program):
    """A worker that dies of a signal, here by hand: its zygote must say so and make way for a fresh one."""
    zygote = surroundings.Zygote(program, offer=OFFER)
    client = Client(zygote, 1)
    client.begin()
    children = open(f"/proc/{zygote.process.pid}/task/{zygote.process.pid}/children").read().split()
    assert len(children) == 1
    os.kill(int(children[0]), 9)
    assert zygote.process.wait(10) == 1
    assert zygote.exits[1] & 0x7f == 9


# ---- behind a balancer ----

HEADER = b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 22\r\n"


def nothing_is_said(client):
    client.sock.settimeout(0.2)
    try:
        more = client.sock.recv(100)
    except TimeoutError:
        client.sock.settimeout(10)
        return
    raise AssertionError(f"it says {more!r}")


def wait_for(what):
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def balanced_exchange_follows_in_the_same_write(client):
    client.sock.sendall(HEADER + b"SSH-2.0-test\r\n")
    assert client.line().startswith(b"SSH-2.0-sallyport")
    client.send(kexinit())
    client.send(public())
    assert client.packet()[0] == 20
    reply_comes(client)


def balanced_header_comes_octet_by_octet(client):
    for octet in HEADER:
        client.sock.sendall(bytes([octet]))
    assert client.line().startswith(b"SSH-2.0-sallyport")
    assert client.connection.proxied["source"] == bytes([192, 0, 2, 1]) and client.connection.proxied["source_port"] == 4711
    client.sock.close()


def held_says_nothing_before_the_header_nor_before_the_answer(client):
    nothing_is_said(client)
    client.sock.sendall(HEADER + b"SSH-2.0-test\r\n" + b"x" * 100)
    wait_for(lambda: hasattr(client.connection, "proxied"))
    nothing_is_said(client)
    client.connection.link.send("proxied_policy", remote_address="192.0.2.1", remote_port=4711)
    assert client.line().startswith(b"SSH-2.0-sallyport")
    client.sock.close()


def held_is_told_in_a_line_why_it_is_refused(client):
    client.sock.sendall(HEADER + b"SSH-2.0-test\r\n")
    wait_for(lambda: hasattr(client.connection, "proxied"))
    client.connection.link.send("end", reason=12, text="Not allowed at this time")
    assert client.line() == b"Not allowed at this time\r"
    client.must_end()
    assert client.data == b"", client.data


def held_is_told_in_a_line_that_no_header_came(client):
    client.connection.link.send("end", reason=11, text="No PROXY protocol header came in time")
    assert client.line() == b"No PROXY protocol header came in time\r"
    client.must_end()


def held_answer_without_a_question_ends_it(client):
    client.connection.link.send("proxied_policy", remote_address="192.0.2.1", remote_port=4711)
    client.must_end()
    assert b"SSH-2.0" not in client.data


def held_answer_of_a_policy_that_is_not_there_ends_it(client):
    client.sock.sendall(HEADER)
    wait_for(lambda: hasattr(client.connection, "proxied"))
    client.connection.link.send("proxied_policy", remote_address="192.0.2.1", remote_port=4711, policy="NONE")
    client.must_end()
    assert b"SSH-2.0" not in client.data


def balanced_no_header_ends_it(client):
    client.ident()
    assert b"clients come through a balancer here" in client.line()
    client.must_end()
    assert client.connection.ended["reason"] == PROTOCOL_ERROR and not hasattr(client.connection, "proxied")


def balanced_checks_come_and_go(client):
    client.sock.sendall(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")
    client.sock.shutdown(socket.SHUT_WR)
    client.must_end()
    assert client.connection.ended["by_peer"] and client.connection.proxied["kind"] == 1


def held_second_answer_ends_it(client):
    client.sock.sendall(HEADER)
    wait_for(lambda: hasattr(client.connection, "proxied"))
    for _ in range(2):
        client.connection.link.send("proxied_policy", remote_address="192.0.2.1", remote_port=4711)
    client.must_end()


OFFER = {"kex": f"curve25519-sha256,ecdh-sha2-nistp256,{GEX}"}
CASES = [value for name, value in list(globals().items())
         if callable(value) and name.split("_")[0] in ("gives", "takes", "drops", "uses", "refuses", "names", "says", "ends")]


BALANCED = [value for name, value in list(globals().items())
            if callable(value) and name.split("_")[0] in ("balanced", "held")]


def main():
    zygote = surroundings.Zygote(sys.argv[1], offer=OFFER)
    number = 0
    for case in CASES:
        number += 1
        try:
            case(Client(zygote, number))
        except Exception:
            print(f"FAILED {case.__name__}", flush=True)
            raise
        print(f"ok {case.__name__}", flush=True)
    for case in BALANCED:
        number += 1
        try:
            case(Client(zygote, number, proxied=True, answers=case.__name__.startswith("balanced")))
        except Exception:
            print(f"FAILED {case.__name__}", flush=True)
            raise
        print(f"ok {case.__name__}", flush=True)
    number = cookies_and_publics_differ(zygote, number)
    print("ok cookies_and_publics_differ")
    assert zygote.stop() == 0
    a_crash_retires_the_zygote(sys.argv[1])
    print("ok a_crash_retires_the_zygote")
    assert len(CASES) > 20 and len(BALANCED) > 9


if __name__ == "__main__":
    main()
