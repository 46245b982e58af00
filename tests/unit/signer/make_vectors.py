#!/usr/bin/python3
"""Prints vectors.h: an offer, transcripts and their exchange hashes, by RFC 4253 section 8 and hashlib alone, without any
code of the service. Inputs are fixed, but for the version in the server's identification.

    make_vectors.py VERSION
"""

import hashlib
import struct
import sys


def string(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def mpint(number):
    return string(number.to_bytes((number.bit_length() + 8) // 8, "big") if number else b"")


def fixed(seed, size):
    """Octets that look random and are always the same."""
    out = b""
    while len(out) < size:
        out += hashlib.sha512(f"{seed} {len(out)}".encode()).digest()
    return out[:size]


def kexinit(cookie, lists):
    return b"\x14" + cookie + b"".join(string(names) for names in lists) + b"\0" + bytes(4)


KEX = ("mlkem768x25519-sha256,curve25519-sha256,ecdh-sha2-nistp384,diffie-hellman-group14-sha256,"
       "diffie-hellman-group-exchange-sha256")
HOST_KEYS = "ssh-ed25519,ecdsa-sha2-nistp384,rsa-sha2-512"
CIPHERS, MACS = "aes128-gcm@openssh.com,aes256-ctr", "hmac-sha2-256-etm@openssh.com,hmac-sha2-512"
BLOBS = {"ssh-ed25519": string("ssh-ed25519") + string(fixed("ed25519", 32)),
         "ecdsa-sha2-nistp384": string("ecdsa-sha2-nistp384") + string("nistp384") + string(b"\4" + fixed("p384", 96)),
         "rsa-sha2-512": string("ssh-rsa") + mpint(65537) + mpint(int.from_bytes(b"\xc1" + fixed("rsa", 255), "big") | 1)}
IDENT = f"SSH-2.0-sallyport_{sys.argv[1]}"
P384_G = bytes.fromhex("04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
                       "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f")
# Any number below a group's prime and above 1 is a public value.
DH_PUBLIC = b"\x7f" + fixed("dh", 255)


def arctan(x, one):
    """one * atan(1/x)"""
    term, total, k = one // x, 0, 1
    while term:
        total += term // k if k % 4 == 1 else -(term // k)
        term, k = term // (x * x), k + 2
    return total


def rfc3526_prime(bits, addend):
    """2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + addend)"""
    one = 1 << (bits - 130 + 64)
    pi = (16 * arctan(5, one) - 4 * arctan(239, one)) >> 64
    return (1 << bits) - (1 << (bits - 64)) - 1 + ((pi + addend) << 64)


def group(sizes, bits, addend):
    """What RFC 4419 section 3 puts into H between the host key and the public values."""
    return struct.pack(">III", *sizes) + mpint(rfc3526_prime(bits, addend)) + mpint(2)


def row(kex, host_key, digest, publics, field, secret, secret_field, first=True, ciphers=CIPHERS, macs=MACS, agreed=b""):
    markers = ",ext-info-s,kex-strict-s-v00@openssh.com" if first else ""
    i_s = kexinit(fixed("server cookie", 16), [KEX + markers, HOST_KEYS, CIPHERS, CIPHERS, MACS, MACS, "none", "none", "", ""])
    i_c = kexinit(fixed("client cookie", 16), [f"ext-info-c,{kex},kex-strict-c-v00@openssh.com", f"ssh-foo,{host_key}", ciphers,
                                               ciphers, macs, macs, "zlib,none", "none", "en", "de,en"])
    v_c = "SSH-2.0-Client_1.2 with a comment"
    encoded = [field(value) for value in publics]
    h = hashlib.new(digest, b"".join([string(v_c), string(IDENT), string(i_c), string(i_s), string(BLOBS[host_key]), agreed,
                                      *encoded, secret_field(secret)])).digest()
    transcript = b"".join(string(part) for part in (v_c, IDENT, i_c, i_s, host_key, agreed, *publics, secret))
    return kex, host_key, first, transcript, h


def as_mpint(value):
    return mpint(int.from_bytes(value, "big"))


ROWS = [
    row("curve25519-sha256", "ssh-ed25519", "sha256", [fixed("a", 32), fixed("b", 32)], string,
        b"\x80" + fixed("k", 31), as_mpint),
    row("curve25519-sha256", "rsa-sha2-512", "sha256", [fixed("a", 32), fixed("b", 32)], string,
        b"\0\0\x7f" + fixed("k", 29), as_mpint, first=False),
    row("ecdh-sha2-nistp384", "ecdsa-sha2-nistp384", "sha384", [P384_G, P384_G], string, b"\0\xff" + fixed("k", 46),
        as_mpint, ciphers="aes256-ctr", macs="hmac-sha2-512"),
    row("diffie-hellman-group14-sha256", "ssh-ed25519", "sha256", [DH_PUBLIC, DH_PUBLIC[1:]], as_mpint,
        b"\xff" + fixed("k", 255), as_mpint),
    row("mlkem768x25519-sha256", "ssh-ed25519", "sha256", [bytes(1184) + fixed("a", 32), fixed("ct", 1088) + fixed("b", 32)],
        string, b"\xff" + fixed("k", 31), string),
    row("diffie-hellman-group-exchange-sha256", "ssh-ed25519", "sha256", [DH_PUBLIC, b"\x7f" + fixed("dh", 383)], as_mpint,
        b"\xff" + fixed("k", 383), as_mpint, agreed=group((2048, 3072, 8192), 3072, 1690314)),
]


def text(data):
    """As C string literals, in lines."""
    if isinstance(data, str):
        return f'"{data}"'
    digits = data.hex()
    return "".join(f'\n     "{digits[at:at + 96]}"' for at in range(0, len(digits), 96))


VARIANT = b"".join(string(part) for part in ("VECTORS", "", KEX, HOST_KEYS, CIPHERS, MACS, "none", "ssh-ed25519", b""))
RULES = b"\0\0\0" + bytes(16)
KEYS = b"".join(string(name) + string(blob) + bytes(8) + b"\xff" * 8 for name, blob in BLOBS.items())
OFFER = string(string(VARIANT + RULES)) + string(KEYS)

print("/* Made by make_vectors.py: see there. */\n#pragma once\n")
print(f"static const char offer_hex[] ={text(OFFER)};\n")
print("static const struct {\n    const char *kex, *host_key;\n    bool first;\n    const char *transcript, *h;\n} vectors[] = {")
for kex, host_key, first, transcript, h in ROWS:
    print(f"    {{{text(kex)}, {text(host_key)}, {'true' if first else 'false'},{text(transcript)},{text(h)}}},")
print("};")
