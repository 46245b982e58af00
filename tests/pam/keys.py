"""Users' keys of every type, for logins: blobs, signatures and lines of authorized_keys made by the cryptography
package, not by the code under test."""

import base64

import world
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from ipc import mpint, string

RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class Key:
    def line(self, options=""):
        return (options + " " if options else "") + f"{self.type} {base64.b64encode(self.blob).decode()} {self.type}"

    def sign(self, data):
        return string(self.algorithm) + string(self.raw(data))


class Ed25519(Key):
    type = algorithm = "ssh-ed25519"

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.blob = string(self.type) + string(self.key.public_key().public_bytes(*RAW))

    def raw(self, data):
        return self.key.sign(data)


class Ecdsa(Key):
    def __init__(self, bits):
        curve, self.hash = {256: (ec.SECP256R1(), hashes.SHA256()), 384: (ec.SECP384R1(), hashes.SHA384()),
                            521: (ec.SECP521R1(), hashes.SHA512())}[bits]
        self.key = ec.generate_private_key(curve)
        self.type = self.algorithm = f"ecdsa-sha2-nistp{bits}"
        self.blob = string(self.type) + string(f"nistp{bits}") + string(self.key.public_key().public_bytes(*POINT))

    def raw(self, data):
        r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(self.hash)))
        return mpint(r) + mpint(s)


class Rsa(Key):
    type = "ssh-rsa"

    def __init__(self, algorithm="rsa-sha2-512", bits=2048):
        self.key = rsa.generate_private_key(65537, bits)
        self.algorithm = algorithm
        numbers = self.key.public_key().public_numbers()
        self.blob = string(self.type) + mpint(numbers.e) + mpint(numbers.n)

    def raw(self, data):
        used = hashes.SHA256() if self.algorithm.endswith("256") else hashes.SHA512()
        return self.key.sign(data, padding.PKCS1v15(), used)


def authorize(user, *lines):
    world.authorize(user, *lines)
