"""As much of SSH as a test needs that plays a worker: KEXINITs, transcripts, the exchange hash, checking signatures."""

import hashlib
import os
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ipc import fields_decode, fields_encode, mpint, string

V_C = b"SSH-2.0-rogue_1.0"
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
MARKERS = ["ext-info-s", "kex-strict-s-v00@openssh.com"]


def strings(data):
    out = []
    while data:
        (size,) = struct.unpack(">I", data[:4])
        out.append(data[4:4 + size])
        data = data[4 + size:]
    return out


class Offer:
    def __init__(self, data):
        offer = fields_decode("offer", data)
        self.variants = [fields_decode("variant", variant) for variant in strings(offer["variants"])]
        self.choose(0)
        self.keys = {}
        data = offer["keys"]
        while data:
            (size,) = struct.unpack(">I", data[:4])
            algorithms, data = data[4:4 + size], data[4 + size:]
            (size,) = struct.unpack(">I", data[:4])
            blob, data = data[4:4 + size], data[4 + size + 16:]  # and from when to when it is valid
            for name in algorithms.decode().split(","):
                self.keys.setdefault(name, blob)

    def choose(self, number):
        """The lists of one variant, as they are for everybody for good."""
        values = self.variants[number]
        self.policy = values["policy"].decode()
        self.kex = values["kex"].decode().split(",")
        self.host_keys = values["host_key_algorithms"].decode().split(",")
        self.ciphers = values["ciphers"].decode().split(",")
        self.macs = values["macs"].decode().split(",")
        self.compression = values["compression"].decode().split(",")


def kexinit(kex, host_keys, ciphers, macs, compression=("none",), cookie=None, follows=0, reserved=0):
    lists = [kex, host_keys, ciphers, ciphers, macs, macs, compression, compression, [], []]
    body = bytes([20]) + (cookie or os.urandom(16))
    for names in lists:
        body += string(",".join(names))
    return body + bytes([follows]) + struct.pack(">I", reserved)


class Exchange:
    """One honest curve25519-sha256 exchange, both sides made up; every part can be bent before it is encoded."""

    def __init__(self, offer, ident, first=True, host_key=None, kex="curve25519-sha256"):
        self.offer = offer
        self.v_c, self.v_s = V_C, ident
        self.host_key_algorithm = host_key or offer.host_keys[0]
        client_kex = [kex, "ext-info-c", "kex-strict-c-v00@openssh.com"] if first else [kex]
        self.i_c = kexinit(client_kex, [self.host_key_algorithm], offer.ciphers, offer.macs)
        self.i_s = kexinit(offer.kex + (MARKERS if first else []), offer.host_keys, offer.ciphers, offer.macs,
                           offer.compression)
        ours, theirs = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
        self.client_public = theirs.public_key().public_bytes(*RAW)
        self.server_public = ours.public_key().public_bytes(*RAW)
        self.secret = ours.exchange(theirs.public_key())

    def transcript(self, **changed):
        values = {"v_c": self.v_c, "v_s": self.v_s, "i_c": self.i_c, "i_s": self.i_s,
                  "host_key_algorithm": self.host_key_algorithm, "group": b"", "client_public": self.client_public,
                  "server_public": self.server_public, "secret": self.secret}
        values.update(changed)
        return fields_encode("transcript", **values)

    def h(self):
        blob = self.offer.keys[self.host_key_algorithm]
        data = b"".join(string(x) for x in (self.v_c, self.v_s, self.i_c, self.i_s, blob, self.client_public,
                                            self.server_public))
        return hashlib.sha256(data + mpint(int.from_bytes(self.secret, "big"))).digest()


def signature_is_good(blob, signature, message):
    algorithm, raw = strings(signature)
    parts = strings(blob)
    try:
        if algorithm == b"ssh-ed25519":
            ed25519.Ed25519PublicKey.from_public_bytes(parts[1]).verify(raw, message)
        elif algorithm.startswith(b"ecdsa-sha2-"):
            curve, digest = {b"nistp256": (ec.SECP256R1(), hashes.SHA256()), b"nistp384": (ec.SECP384R1(), hashes.SHA384()),
                             b"nistp521": (ec.SECP521R1(), hashes.SHA512())}[parts[1]]
            r, s = (int.from_bytes(x, "big") for x in strings(raw))
            key = ec.EllipticCurvePublicKey.from_encoded_point(curve, parts[2])
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))
        else:
            raise ValueError(f"cannot check {algorithm}")
    except InvalidSignature:
        return False
    return True
