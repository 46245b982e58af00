"""Users' keys of every type, for logins: blobs, signatures and lines of authorized_keys made by the cryptography
package, not by the code under test."""

import base64
import hashlib
import pathlib
import struct
import tempfile

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


class Sk(Key):
    """A key in a FIDO authenticator. flags: 1 somebody touched it, 4 it verified its user. PROTOCOL.u2f of OpenSSH."""

    application = "ssh:"

    def __init__(self, kind="ed25519", flags=1):
        self.inner = Ed25519() if kind == "ed25519" else Ecdsa(256)
        self.flags = flags
        self.type = self.algorithm = "sk-ssh-ed25519@openssh.com" if kind == "ed25519" else "sk-ecdsa-sha2-nistp256@openssh.com"
        self.blob = string(self.type) + self.inner.blob[4 + len(self.inner.type):] + string(self.application)

    def touched(self, flags):
        """The same key, used otherwise."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__, flags=flags)
        return other

    def asserted(self, text, extensions=b""):
        counter = struct.pack(">I", 17)
        signed = (hashlib.sha256(self.application.encode()).digest() + bytes([self.flags]) + counter + extensions +
                  hashlib.sha256(text).digest())
        return string(self.inner.raw(signed)) + bytes([self.flags]) + counter

    def sign(self, data):
        return string(self.algorithm) + self.asserted(data)


class Webauthn(Sk):
    """The same as a browser uses it."""

    def __init__(self, origin="https://example.org", **values):
        super().__init__("ecdsa", **values)
        self.algorithm, self.origin = "webauthn-" + self.type, origin

    def sign(self, data):
        challenge = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        client_data = f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{self.origin}","crossOrigin":false}}'.encode()
        return (string(self.algorithm) + self.asserted(client_data) + string(self.origin) + string(client_data) + string(b""))


class Certified(Key):
    """A key with a certificate that ssh-keygen made for it. options: of ssh-keygen."""

    def __init__(self, key, authority, *options, principals="alice", identity="id of a key", host=False):
        self.inner = key
        self.algorithm = key.algorithm.removesuffix("@openssh.com") + "-cert-v01@openssh.com"
        with tempfile.TemporaryDirectory() as place:
            public = pathlib.Path(place) / "key.pub"
            public.write_text(key.line() + "\n")
            world.run("ssh-keygen", "-q", "-s", str(authority.path), "-I", identity, *(["-n", principals] if principals else []),
                      *(["-h"] if host else []), *options, str(public))
            self.type, text = (public.parent / "key-cert.pub").read_text().split()[:2]
        self.blob = base64.b64decode(text)

    def sign(self, data):
        return self.inner.sign(data)


class Authority:
    """A certificate authority's key, made by ssh-keygen; path: of its private half."""

    def __init__(self, *options):
        self.path = pathlib.Path(tempfile.mkdtemp()) / "ca"
        world.run("ssh-keygen", "-q", "-N", "", "-f", str(self.path), *(options or ("-t", "ed25519")))
        self.public = self.path.with_suffix(".pub").read_text().strip()

    def line(self, options=""):
        return (options + " " if options else "") + self.public


def authorize(user, *lines):
    world.authorize(user, *lines)
