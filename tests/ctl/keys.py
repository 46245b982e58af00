"""Tokens and the host keys in them, by the tool alone: made, taken in, published, tested, certified, attested, destroyed; and
a server and a real ssh that believe what it says. On SoftHSM2, and on a software TPM where there is one."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import server
import tool
import world
from suite import Skip, expect

PORT = 2296
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
# type of the tool -> options of ssh-keygen, type of OpenSSH, bits
TYPES = {"ed25519": (["-t", "ed25519"], "ssh-ed25519", 256),
         "ecdsa-p256": (["-t", "ecdsa", "-b", "256"], "ecdsa-sha2-nistp256", 256),
         "ecdsa-p384": (["-t", "ecdsa", "-b", "384"], "ecdsa-sha2-nistp384", 384),
         "ecdsa-p521": (["-t", "ecdsa", "-b", "521"], "ecdsa-sha2-nistp521", 521),
         "rsa-2048": (["-t", "rsa", "-b", "2048"], "ssh-rsa", 2048),
         "rsa-3072": (["-t", "rsa", "-b", "3072"], "ssh-rsa", 3072)}
ALGORITHMS = {"ssh-rsa": ["rsa-sha2-256", "rsa-sha2-512"]}


def fingerprint(text):
    """By ssh-keygen, of a public key."""
    done = subprocess.run(["ssh-keygen", "-lf", "-"], input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode().split()[1]


class Place:
    """A directory with a token, and how the tool is told of it."""

    def __init__(self, name, module=SOFTHSM):
        self.directory = world.STATE / name
        self.directory.mkdir(mode=0o755)
        self.state, self.tokens = self.directory / "state", self.directory / "tokens"
        self.pin, self.so_pin = self.directory / "pin", self.directory / "so-pin"
        self.module, self.environment, self.who = module, [], []
        self.uid = int(server.signer_owner().split(":")[0])
        for path in (self.state, self.tokens):
            path.mkdir(mode=0o700)
            os.chown(path, self.uid, self.uid)
        self.configured = []

    def soft(self):
        conf = self.directory / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.environment = [f"SOFTHSM2_CONF={conf}"]
        return self

    def options(self, pin=None):
        words = ["--module", self.module, "--state-dir", self.state, *self.who]
        for variable in self.environment:
            words += ["--environment", variable]
        return [*words, "--pin-file", pin or self.pin]

    def call(self, *words, pin=None, given=None):
        return tool.call(*words, *self.options(pin), given=given, seconds=60)

    def must(self, *words, status=0, **more):
        code, out, error = self.call(*words, **more)
        assert code == status, f"{' '.join(map(str, words))}: exit status {code}: {error or out:.400}"
        return out if status == 0 else error

    def found(self, *words, status=0, **more):
        return json.loads(self.must_out(*words, "--json", status=status, **more))

    def must_out(self, *words, status=0, **more):
        code, out, error = self.call(*words, **more)
        assert code == status, f"{' '.join(map(str, words))}: exit status {code}: {error or out:.400}"
        return out

    def keys(self):
        return {row["label"]: row for row in self.found("key", "list")["keys"]}

    def configuration(self):
        """As server.Server wants it of a token."""
        return [*(f"HostKey {uri}" for uri in self.configured), f"TokenModule {self.module}", f"TokenPIN file:{self.pin}",
                *(f"TokenEnvironment {variable}" for variable in self.environment)]

    def pkcs11(self, *words):
        """OpenSC's tool, which knows nothing of ours."""
        return world.run("pkcs11-tool", "--module", self.module, "--token-label", "box", "--login", "--pin", "env:PIN", *words,
                         env={**os.environ, "PIN": self.pin.read_text(),
                              **dict(variable.split("=", 1) for variable in self.environment)})


# ---- tokens -------------------------------------------------------------------------------------------------------

def a_token_is_made_ready(place):
    (slot,) = place.found("token", "list")["slots"]
    expect(slot["flags"], ["not initialised"], "flags before")
    place.must("token", "init", "--label", "box", "--so-pin-file", place.so_pin)
    for path, owner in ((place.pin, place.uid), (place.so_pin, 0)):
        expect((path.stat().st_mode & 0o7777, path.stat().st_uid), (0o400, owner), f"mode and owner of {path.name}")
    assert place.pin.read_text() != place.so_pin.read_text(), "both PINs are the same"
    slots = {row["label"]: row for row in place.found("token", "list")["slots"]}
    expect(slots["box"]["flags"], ["initialised", "login required"], "flags")
    assert {"CKM_EDDSA", "CKM_ECDSA", "CKM_RSA_PKCS"} <= {row["name"] for row in slots["box"]["mechanisms"]}, slots
    place.pkcs11("--list-objects")


def a_token_in_use_is_left_alone(place):
    before = place.pin.read_bytes()
    place.must("key", "generate", "--type", "ed25519", "--label", "kept")
    error = place.must("token", "init", "--label", "box", "--so-pin-file", place.so_pin, status=1)
    assert "--reinitialise" in error, error
    place.must("token", "init", "--label", "box", "--so-pin-file", place.so_pin, "--reinitialise", given=b"boxx\n", status=1)
    place.must("token", "init", "--label", "box", "--so-pin-file", place.so_pin, "--reinitialise", given=b"", status=1)
    expect(list(place.keys()), ["kept"], "keys")
    expect(place.pin.read_bytes(), before, "PIN")


def it_is_destroyed_by_who_types_its_label(place):
    place.must("token", "init", "--label", "box", "--so-pin-file", place.so_pin, "--reinitialise", given=b"box\n")
    expect(place.keys(), {}, "keys")


def a_wrong_officers_pin_destroys_nothing(place):
    place.must("key", "generate", "--type", "ecdsa-p256", "--label", "kept")
    wrong = place.directory / "so-wrong"
    wrong.write_text("not the officer's\n")
    wrong.chmod(0o400)
    error = place.must("token", "init", "--label", "box", "--so-pin-file", wrong, "--reinitialise", given=b"box\n", status=255)
    assert "CKR_PIN_INCORRECT" in error, error
    expect(list(place.keys()), ["kept"], "keys")
    place.must("key", "retire", "kept", "--yes")


def no_pin_file_is_left_by_what_failed(place):
    pin = place.directory / "never"
    place.must("token", "init", "--label", "nobody", "--reinitialise", pin=pin, status=255)
    assert not pin.exists(), "it is there"


def pins_are_kept_once_the_token_may_have_them(place):
    """A user's PIN that the token does not take: by then it has the security officer's, which must not be lost."""
    fresh = Place("half-made").soft()
    fresh.pin.write_text("1")
    fresh.pin.chmod(0o400)
    os.chown(fresh.pin, fresh.uid, fresh.uid)
    assert "C_InitPIN" in fresh.must("token", "init", "--label", "half", "--so-pin-file", fresh.so_pin, status=255)
    fresh.pin.unlink()
    fresh.must("token", "init", "--label", "half", "--so-pin-file", fresh.so_pin, "--reinitialise", given=b"half\n")
    fresh.must("key", "generate", "--type", "ed25519", "--label", "x")


def what_is_no_label_or_file_is_refused(place):
    for words, needed in ((["token", "init", "--label", "x" * 33], "at most 32"), (["token", "init"], "--label"),
                          (["key", "generate", "--type", "dsa", "--label", "x"], "expected ed25519"),
                          (["key", "generate", "--type", "ed25519"], "--label"),
                          (["key", "generate", "--type", "ed25519", "--label", "x" * 128], "at most 127"),
                          (["key", "generate", "--type", "ed25519", "--label", "a\nb"], "control"),
                          (["key", "list", "--pin", "1234"], "usage"), (["key", "certify"], "--request")):
        error = place.must(*words, status=2)
        assert needed in error, error
    assert "absolute" in tool.call("key", "list", "--module", "libsofthsm2.so")[2]


def a_module_that_others_could_change_is_refused(place):
    copy = place.directory / "module.so"
    shutil.copy(SOFTHSM, copy)
    os.chown(copy, place.uid, place.uid)
    status, _, error = tool.call("token", "list", "--module", copy)
    assert status == 255 and "root" in error, error
    copy.unlink()


# ---- keys ---------------------------------------------------------------------------------------------------------

def every_type_is_made(place):
    for name, (_, ssh_type, bits) in TYPES.items():
        key = place.found("key", "generate", "--type", name, "--label", name)["key"]
        expect((key["type"], key["bits"], key["uri"]), (ssh_type, bits, f"pkcs11:token=box;object={name};type=private"), name)
        expect(key["fingerprint"], fingerprint(key["public"]), f"fingerprint of {name}")
        for says, value in {"sensitive": True, "always_sensitive": True, "extractable": False, "never_extractable": True,
                            "local": True, "private": True, "sign": True, "decrypt": False, "unwrap": False,
                            "derive": False}.items():
            expect(key[says], value, f"{says} of {name}")
    expect(len({key["id"] for key in place.keys().values()}), len(TYPES), "different ids")


def another_tool_says_the_same_of_them(place):
    objects = place.pkcs11("--list-objects", "--type", "privkey").split("Private Key Object")[1:]
    expect(len(objects), len(TYPES), "keys")
    for text in objects:
        access = re.search(r"Access:\s*(.*)", text).group(1)
        for word in ("sensitive", "always sensitive", "never extractable", "local"):
            assert word in access, text
        expect(re.search(r"Usage:\s*(.*)", text).group(1).strip(), "sign", "usage")


def a_label_is_taken_once(place):
    assert "already" in place.must("key", "generate", "--type", "ed25519", "--label", "ed25519", status=1)
    expect(len(place.keys()), len(TYPES), "keys")


def the_tokens_files_stay_the_signers(place):
    wrong = [path for path in place.tokens.rglob("*") if path.stat().st_uid != place.uid]
    assert not wrong, wrong


def public_keys_are_what_ssh_keygen_reads(place):
    lines = place.must("key", "public").splitlines()
    expect({fingerprint(line) for line in lines}, {key["fingerprint"] for key in place.keys().values()}, "fingerprints")
    (line,) = place.must("key", "public", "rsa-2048").splitlines()
    assert line.startswith("ssh-rsa ") and line.endswith(" rsa-2048"), line
    assert "no private key" in place.must("key", "public", "nobody", status=255)


def sshfp_is_ssh_keygens(place):
    for name in TYPES:
        path = place.directory / "one.pub"
        path.write_text(place.must("key", "public", name))
        theirs = [line for line in world.run("ssh-keygen", "-r", "box.example", "-f", str(path)).splitlines()
                  if line.split()[4] == "2"]
        expect(place.must("key", "sshfp", "box.example", "--label", name).splitlines(), theirs, name)
    place.must("key", "sshfp", "a name; with more", status=2)


def every_algorithm_signs(place):
    rows = place.found("key", "test")["tests"]
    wanted = {(name, algorithm) for name, (_, ssh_type, _) in TYPES.items() for algorithm in ALGORITHMS.get(ssh_type, [ssh_type])}
    expect({(row["label"], row["algorithm"]) for row in rows}, wanted, "algorithms")
    assert all(row["good"] and 0 < row["best_ms"] <= row["worst_ms"] for row in rows), rows
    assert "good" in place.must("key", "test", "ed25519")


def a_key_without_its_public_half_fails_the_test(place):
    place.must("key", "generate", "--type", "ecdsa-p256", "--label", "half")
    place.pkcs11("--delete-object", "--type", "pubkey", "--label", "half")
    rows = place.found("key", "test", status=1)["tests"]
    expect([row["label"] for row in rows if not row["good"]], ["half"], "keys that fail")
    place.must("key", "retire", "half", "--yes")


def a_public_half_of_another_key_fails_the_test(place):
    """Two objects with one id prove nothing."""
    made = place.found("key", "generate", "--type", "ecdsa-p256", "--label", "pair")["key"]
    place.must("key", "generate", "--type", "ecdsa-p256", "--label", "other")
    place.pkcs11("--delete-object", "--type", "pubkey", "--label", "pair")
    place.pkcs11("--set-id", made["id"], "--type", "pubkey", "--label", "other")
    wrong = {row["label"]: row["why"] for row in place.found("key", "test", status=1)["tests"] if not row["good"]}
    expect(set(wrong), {"pair", "other"}, "keys that fail")
    assert "not one of the public key" in wrong["pair"], wrong
    for label in wrong:
        place.must("key", "retire", label, "--yes")


# ---- keys from files ----------------------------------------------------------------------------------------------

def files(place):
    directory = place.directory / "files"
    directory.mkdir(exist_ok=True)
    return directory


def keygen(path, *options, passphrase=""):
    for old in (path, path.with_name(path.name + ".pub")):
        old.unlink(missing_ok=True)
    world.run("ssh-keygen", "-q", "-N", passphrase, "-C", path.name, "-f", str(path), *options)
    return path


def files_of_every_type_are_taken_in(place):
    for form in ("RFC4716", "PEM", "PKCS8"):
        for name, (options, ssh_type, bits) in TYPES.items():
            if form != "RFC4716" and name == "ed25519":
                continue
            path = keygen(files(place) / f"{form}-{name}", "-m", form, *options)
            key = place.found("key", "import", path, "--label", path.name)["key"]
            expect((key["type"], key["bits"], key["local"], key["extractable"], key["sensitive"]),
                   (ssh_type, bits, False, False, True), path.name)
            expect(key["fingerprint"], fingerprint(path.with_name(path.name + ".pub").read_text()), path.name)
    path = files(place) / "PKCS8-ed25519"
    world.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path))
    place.must("key", "import", path, "--label", path.name)
    assert "shred -u" in place.must("key", "import", files(place) / "PEM-ecdsa-p256", "--label", "again")
    assert all(row["good"] for row in place.found("key", "test")["tests"]), "not every key signs"
    for label in place.keys():
        if label.startswith("P") or label == "again":
            place.must("key", "retire", label, "--yes")


def encrypted_files_are_refused(place):
    for form in ("RFC4716", "PEM", "PKCS8"):
        path = keygen(files(place) / f"{form}-encrypted", "-m", form, "-t", "rsa", "-b", "2048", passphrase="a long passphrase")
        error = place.must("key", "import", path, "--label", "encrypted", status=255)
        assert f"ssh-keygen -p -N '' -f {path}" in error, error
    assert "encrypted" not in place.keys()


def other_files_are_refused(place):
    good = (files(place) / "RFC4716-ed25519").read_text()
    lines = good.splitlines()
    wrong = {"empty": "", "text": "hello\n", "cut": "\n".join(lines[:-1]), "damaged": good.replace(lines[2][10:14], "????"),
             "public": (files(place) / "RFC4716-ed25519.pub").read_text(), "long": "x" * 70000}
    for name, text in wrong.items():
        path = files(place) / f"wrong-{name}"
        path.write_text(text)
        place.must("key", "import", path, "--label", "wrong", status=255)
    seed = tool.TOP / "tests/fuzz/corpus/private_key/dsa"  # OpenSSH of Debian 13 makes none any more
    assert "neither" in place.must("key", "import", seed, "--label", "wrong", status=255)
    place.must("key", "import", place.directory, "--label", "wrong", status=255)
    place.must("key", "import", place.directory / "absent", "--label", "wrong", status=255)
    assert "wrong" not in place.keys()


# ---- a server -----------------------------------------------------------------------------------------------------

def ssh(known_hosts, *options):
    return subprocess.run(
        ["ssh", "-F", "none", "-o", f"UserKnownHostsFile={known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null",
         "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes",
         "-i", str(world.STATE / "keys/key_ed25519"), "-p", str(PORT), *options, "alice@127.0.0.1", "id -un"],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False)


def logs_in(known_hosts, *options):
    done = ssh(known_hosts, *options)
    assert done.stdout == b"alice\n", done.stderr.decode()


class Serving:
    """A server with these keys of the token."""

    def __init__(self, place, labels, options=()):
        keys = place.keys()
        place.configured = [keys[label]["uri"] for label in labels]
        self.instance = server.Server(place, name=f"{place.directory.name}-server", port=PORT, options=options)
        state = self.instance.directory / "state"
        shutil.rmtree(state, ignore_errors=True)

    def __enter__(self):
        return self.instance.start()

    def __exit__(self, *_):
        self.instance.stop()


def clients_know_the_server_by_what_the_tool_says(place):
    known = place.directory / "known_hosts"
    labels = [name for name in TYPES if name != "rsa-3072"]
    with Serving(place, labels):
        for label in labels:
            for options in ([], ["--hash"]):
                known.write_text(place.must("key", "known-hosts", f"127.0.0.1:{PORT}", "--label", label, *options))
                ssh_type = TYPES[label][1]
                logs_in(known, "-o", f"HostKeyAlgorithms={','.join(ALGORITHMS.get(ssh_type, [ssh_type]))}")
                assert not options or "127.0.0.1" not in known.read_text(), "the name is not hidden"
        known.write_text(place.must("key", "known-hosts", f"127.0.0.1:{PORT}", "--label", "rsa-3072"))
        assert ssh(known).returncode != 0, "another key is good enough"
    for name in ("a:b:c:0x", "box:0", "box:65536", "[box", "", "a b"):
        place.must("key", "known-hosts", name, status=2)


def clients_go_on_knowing_a_server_whose_keys_moved(place):
    known = place.directory / "known_hosts"
    with Serving(place, ["RFC4716-ed25519", "RFC4716-ecdsa-p256", "RFC4716-ecdsa-p384", "RFC4716-ecdsa-p521", "RFC4716-rsa-3072"]):
        for name in ("ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-3072"):
            public = (files(place) / f"RFC4716-{name}.pub").read_text()
            known.write_text(f"[127.0.0.1]:{PORT} {public}")
            ssh_type = TYPES[name][1]
            logs_in(known, "-o", f"HostKeyAlgorithms={','.join(ALGORITHMS.get(ssh_type, [ssh_type]))}")


def a_certificate_is_asked_for_and_installed(place):
    authority, request = keygen(place.directory / "authority", "-t", "ed25519"), place.directory / "host.pub"
    directory = place.directory / "certificates"
    said = place.found("key", "certify", "--request", request, "--label", "ed25519")
    command = said["command"].replace("-s CA", f"-s {authority}").replace(" -n ", " -n 127.0.0.1,")
    world.run("sh", "-c", command)
    certificate = pathlib.Path(said["answer"])
    found = place.found("key", "certify", "--install", certificate, "--directory", directory)
    installed = pathlib.Path(found["installed"])
    assert "127.0.0.1" in found["certificate"]["principals"], found
    expect((installed.stat().st_mode & 0o7777, installed.stat().st_uid), (0o644, 0), "mode and owner")
    expect(installed.read_text(), certificate.read_text(), "its text")
    known = place.directory / "known_hosts"
    known.write_text(f"@cert-authority * {authority.with_name('authority.pub').read_text()}")
    with Serving(place, ["ed25519"], [found["line"]]):
        logs_in(known, "-o", "HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com")


def other_certificates_are_refused(place):
    authority, request = place.directory / "authority", place.directory / "host.pub"
    directory = place.directory / "nothing"
    stranger = keygen(place.directory / "stranger", "-t", "ed25519")
    public = place.must("key", "public", "ed25519")
    for name, options, subject, reason in (
            ("users", ["-n", "box"], public, "user's certificate"), ("nobody's", ["-h"], public, "no principals"),
            ("expired", ["-h", "-n", "box", "-V", "-2d:-1d"], public, "has expired"),
            ("later", ["-h", "-n", "box", "-V", "+1d:+2d"], public, "not valid yet"),
            ("another's", ["-h", "-n", "box"], stranger.with_name("stranger.pub").read_text(), "none of this token's")):
        request.write_text(subject)
        world.run("ssh-keygen", "-q", "-s", str(authority), "-I", name, *options, str(request))
        error = place.must("key", "certify", "--install", place.directory / "host-cert.pub", "--directory", directory, status=255)
        assert reason in error, error
    text = (place.directory / "host-cert.pub").read_text().split()
    (place.directory / "host-cert.pub").write_text(f"{text[0]} {text[1][:-12]}AAAAAAAA{text[1][-4:]}\n")
    place.must("key", "certify", "--install", place.directory / "host-cert.pub", "--directory", directory, status=255)
    place.must("key", "certify", "--install", request, "--directory", directory, status=255)
    assert not directory.exists(), "something was installed"


# ---- statements ---------------------------------------------------------------------------------------------------

def verify_by_ssh_keygen(place, directory, signature, text):
    return subprocess.run(["ssh-keygen", "-Y", "verify", "-f", str(place.directory / "allowed"), "-I", "box", "-n",
                           "sallyport-attestation", "-s", str(directory / signature)], input=text, capture_output=True,
                          check=False).returncode == 0


def a_statement_is_signed_by_every_key(place):
    directory = place.directory / "statement"
    with Serving(place, ["ed25519"]):
        control = subprocess.run("ls /run/sallyport-launch.*/control.sock", shell=True, capture_output=True, check=True)
        socket = control.stdout.decode().strip()
        running = tool.found("policy", "running", "--socket", socket, status=0)["running"]
        place.must("key", "attest", "--nonce", "7 of 9", "--output", directory, "--socket", socket)
    text = (directory / "statement.json").read_bytes()
    statement = json.loads(text)
    (current,) = [row for row in running["generations"] if row["state"] == "current"]
    expect(statement["policy"]["digest"], current["digest"], "policy")
    expect((statement["nonce"], statement["token"]["label"], statement["host"]), ("7 of 9", "box", os.uname().nodename), "facts")
    expect(sorted(row["label"] for row in statement["keys"]), sorted(place.keys()), "keys")
    assert abs(time.time() - time.mktime(time.strptime(statement["time"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 60
    (place.directory / "allowed").write_text("".join(f"box {row['public']}\n" for row in statement["keys"]))
    signatures = sorted(path.name for path in directory.glob("*.sig"))
    expect(len(signatures), len(statement["keys"]), "signatures")
    for signature in signatures:
        assert verify_by_ssh_keygen(place, directory, signature, text), f"{signature} is not good"
        assert not verify_by_ssh_keygen(place, directory, signature, text.replace(b"7 of 9", b"8 of 9")), signature


def judge(path, *options, status=0):
    return tool.found("key", "attest", "--verify", path, *options, status=status)


def a_statement_is_judged(place):
    directory = place.directory / "statement"
    whole, known = directory / "attestation.json", place.directory / "known-keys"
    known.write_text(place.must("key", "public"))
    expect(judge(whole, "--keys", known, "--nonce", "7 of 9")["good"], True, "verdict")
    judge(whole, "--nonce", "8 of 9", status=1)
    known.write_text("".join(known.read_text().splitlines(keepends=True)[1:]))
    judge(whole, "--keys", known, status=1)
    text = whole.read_text()
    envelope = json.loads(text)
    altered = {"text": text.replace("7 of 9", "8 of 9"), "fact": text.replace('extractable\\": false', 'extractable\\": true')}
    fewer = {**envelope, "signatures": envelope["signatures"][1:]}
    twice = {**envelope, "signatures": [envelope["signatures"][0]] + envelope["signatures"][:-1]}
    swapped = json.loads(text)
    swapped["signatures"][0]["signature"] = swapped["signatures"][1]["signature"]
    altered.update(fewer=json.dumps(fewer), twice=json.dumps(twice), swapped=json.dumps(swapped), nothing="{}", no_json="x")
    for name, contents in altered.items():
        assert contents != text, name
        path = place.directory / "altered.json"
        path.write_text(contents)
        expect(judge(path, status=1)["good"], False, name)


# ---- PINs ---------------------------------------------------------------------------------------------------------

def a_refused_pin_is_not_sent_again(place):
    right, wrong = place.pin.read_text(), place.directory / "wrong"
    wrong.write_text("87654321\n")
    wrong.chmod(0o400)
    os.chown(wrong, place.uid, place.uid)
    assert "CKR_PIN_INCORRECT" in place.must("key", "list", pin=wrong, status=255)
    # From here on the token would take it: whoever is refused now was not asked by the token.
    change = ["pkcs11-tool", "--module", SOFTHSM, "--login", "--change-pin", "--pin", "env:FROM", "--new-pin", "env:TO"]
    environment = {**os.environ, **dict(variable.split("=", 1) for variable in place.environment)}
    world.run(*change, env={**environment, "FROM": right, "TO": "87654321"})
    error = place.must("key", "list", pin=wrong, status=255)
    assert "has refused this PIN before" in error, error
    memory = place.state / "refused-pins"
    expect((memory.stat().st_uid, memory.stat().st_mode & 0o777), (place.uid, 0o600), "owner and mode of the memory")
    code, out, _ = place.call("token", "list", pin=wrong)
    assert code == 1 and f"remove {memory}" in out, out
    memory.unlink()
    place.must("key", "list", pin=wrong)
    world.run(*change, env={**environment, "FROM": "87654321", "TO": right})
    place.must("key", "list")


def what_the_tool_was_refused_the_signer_does_not_send(place):
    place.configured = [place.keys()["ed25519"]["uri"]]
    right = place.pin.read_text()
    serving = Serving(place, ["ed25519"])
    state = serving.instance.directory / "state"
    state.mkdir(mode=0o700)
    os.chown(state, place.uid, place.uid)
    try:
        place.pin.unlink()
        place.pin.write_text("87654321")
        place.pin.chmod(0o400)
        os.chown(place.pin, place.uid, place.uid)
        words = ["key", "list", "-f", serving.instance.path, "--state-dir", state]
        assert "CKR_PIN_INCORRECT" in tool.call(*words)[2]
        before = (state / "refused-pins").read_bytes()
        try:
            serving.instance.start(seconds=4)
            raise AssertionError("the server started")
        except RuntimeError:
            log = serving.instance.log.read_text()
        assert "has refused the PIN" in log and "CKR_PIN" not in log, log[-500:]
        expect((state / "refused-pins").read_bytes(), before, "the memory")
    finally:
        serving.instance.stop()
        place.pin.unlink()
        place.pin.write_text(right)
        place.pin.chmod(0o400)
        os.chown(place.pin, place.uid, place.uid)


def a_running_signer_hears_what_the_tool_was_refused(place):
    """By another name of the module and of the token: the configuration knows a label, the tool the token."""
    place.configured = [place.keys()["ed25519"]["uri"]]
    right = place.pin.read_text()
    serving = Serving(place, ["ed25519"])
    state = serving.instance.directory / "state"
    state.mkdir(mode=0o700)
    os.chown(state, place.uid, place.uid)
    alias = serving.instance.directory / "module.so"
    alias.unlink(missing_ok=True)
    alias.symlink_to(SOFTHSM)

    def pin_is(text):
        place.pin.unlink()
        place.pin.write_text(text)
        place.pin.chmod(0o400)
        os.chown(place.pin, place.uid, place.uid)

    try:
        serving.instance.start()
        pin_is("87654321")
        environment = [word for variable in place.environment for word in ("--environment", variable)]
        (serial,) = [row["serial"] for row in place.found("token", "list")["slots"] if row["label"] == "box"]
        assert serial, "the token has no serial"
        words = ["key", "list", "--module", alias, "--token", "box", "--pin-file", place.pin, "--state-dir", state, *environment,
                 "--user", f"{place.uid}:{place.uid}"]
        assert "CKR_PIN_INCORRECT" in tool.call(*words)[2], "the token did not refuse it"
        serving.instance.mark()
        for pid in serving.instance.pids("sallyport-token"):
            os.kill(pid, signal.SIGKILL)
        event = serving.instance.wait_event("token_unusable")
        assert "has refused the PIN" in event["message"], event
        expect([line for line in serving.instance.log.read_text().splitlines() if "CKR_PIN" in line], [], "logins with it")
    finally:
        serving.instance.stop()
        pin_is(right)


def a_pin_file_that_others_can_read_is_refused(place):
    path = place.directory / "open"
    path.write_text(place.pin.read_text())
    for mode in (0o644, 0o440, 0o604):
        path.chmod(mode)
        os.chown(path, place.uid, 65534)
        assert "others than" in place.must("key", "list", pin=path, status=255), oct(mode)


def typing(place, *words, answers=(), seconds=30):
    """With a terminal, and without --pin-file. Status and everything that came to the terminal."""
    options = place.options()
    options = options[:options.index("--pin-file")]
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(tool.path(), [str(tool.path()), *map(str, words), *map(str, options)])
    seen, answers, until = b"", list(answers), time.monotonic() + seconds
    while time.monotonic() < until:
        ready, _, _ = select.select([fd], [], [], 0.5)
        try:
            more = os.read(fd, 4096) if ready else b""
        except OSError:
            break
        seen += more
        if more.endswith(b": ") and answers:
            time.sleep(0.1)
            os.write(fd, answers.pop(0))
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status), seen.decode(errors="replace")


def a_pin_is_typed_without_echo(place):
    pin = place.pin.read_text()
    status, seen = typing(place, "key", "list", answers=[f"~~\x7f\x7f{pin}\n".encode()])
    assert status == 0 and "ed25519" in seen, seen
    assert pin not in seen and "~~" not in seen, "the PIN was shown"


def typing_can_be_given_up(place):
    status, seen = typing(place, "key", "list", answers=[b"12\x03"])
    assert status == 255 and "nothing was typed" in seen, seen
    status, seen = typing(place, "key", "list", answers=[b"\n"])
    assert status == 255 and "at least one character" in seen, seen


def without_a_terminal_nothing_is_asked(place):
    options = place.options()
    words = [str(tool.path()), "key", "list", *map(str, options[:options.index("--pin-file")])]
    done = subprocess.run(["setsid", "-w", *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    assert done.returncode == 255 and b"no terminal" in done.stderr, done.stderr


# ---- a module that breaks -----------------------------------------------------------------------------------------

class Broken:
    """The same token behind tests/hsm/fault_module.c."""

    def __init__(self, place):
        self.place, self.file = place, place.directory / "faults"
        module = world.STATE / "fault.so"
        shutil.copy(world.build_directory() / "tests/hsm/fault.so", module)
        module.chmod(0o755)
        self.logins = place.directory / "faults.logins"
        self.logins.write_text("")
        self.flipped = place.directory / "faults.flipped"
        self.flipped.write_text("")
        for path in (self.logins, self.flipped):
            os.chown(path, place.uid, place.uid)
        self.module = module

    def __enter__(self):
        self.before = (self.place.module, self.place.environment)
        self.place.module, self.place.environment = self.module, [*self.before[1], f"FAULT_FILE={self.file}"]
        return self

    def __exit__(self, *_):
        self.place.module, self.place.environment = self.before

    def now(self, *faults):
        self.file.write_text("".join(f"{fault}\n" for fault in faults))
        self.logins.write_text("")

    def count(self):
        return len(self.logins.read_text().splitlines())


def the_tokens_warnings_are_said_and_heeded(place):
    with Broken(place) as broken:
        for flag, words, logs_in_then in (("0x10000", "PIN count low", 1), ("0x20000", "PIN final try", 0),
                                          ("0x40000", "PIN locked", 0)):
            broken.now(f"C_GetTokenInfo {flag}")
            slots = {row["label"]: row for row in place.found("token", "list")["slots"]}
            assert words in slots["box"]["flags"], slots["box"]
            expect(broken.count(), 0, "logins for a list of tokens")
            place.must("key", "list", status=0 if logs_in_then else 255)
            expect(broken.count(), logs_in_then, f"logins with {words}")


def a_wrong_pin_is_one_login(place):
    with Broken(place) as broken:
        broken.now("C_Login 0xa0")
        for words in (["key", "list"], ["key", "test"], ["key", "attest"], ["key", "generate", "--type", "ed25519", "--label", "y"]):
            place.must(*words, status=255)
        expect(broken.count(), 1, "logins")
        (place.state / "refused-pins").unlink()
        broken.now("C_Login 0x30")  # says nothing about the PIN
        for _ in range(2):
            place.must("key", "list", status=255)
        broken.now()
        place.must("key", "list")


def wrong_signatures_are_not_believed(place):
    before = place.keys()
    with Broken(place) as broken:
        broken.now("C_Sign flip")
        rows = place.found("key", "test", status=1)["tests"]
        assert rows and not any(row["good"] for row in rows), rows
        error = place.must("key", "generate", "--type", "ed25519", "--label", "bad", status=255)
        assert "not one of the public key" in error and "destroyed again" in error, error
        place.must("key", "import", files(place) / "RFC4716-ecdsa-p384", "--label", "bad", status=255)
        directory = place.directory / "bad-statement"
        place.must("key", "attest", "--output", directory, status=255)
        assert not directory.exists(), "a statement was written"
    expect(set(place.keys()), set(before), "keys")


def a_module_that_dies_takes_nobody_with_it(place):
    with Broken(place) as broken:
        broken.now("C_Sign crash")
        error = place.must("key", "test", status=255)
        assert "the process with the PKCS#11 module" in error or "exit" in error, error


# ---- retiring -----------------------------------------------------------------------------------------------------

def a_key_in_use_is_not_retired(place):
    conf = place.directory / "conf"
    place.configured = [place.keys()["ed25519"]["uri"]]
    conf.write_text("\n".join(place.configuration()) + "\n")
    words = ["key", "retire", "ed25519", "--yes", "-f", conf, "--state-dir", place.state]
    status, _, error = tool.call(*words)
    assert status == 1 and "the configuration uses" in error, error
    found = tool.found("key", "list", "-f", conf, "--state-dir", place.state)["keys"]
    expect([row["label"] for row in found if row["configured"]], ["ed25519"], "keys in use")
    half = place.found("key", "generate", "--type", "ecdsa-p256", "--label", "half")["key"]
    place.pkcs11("--delete-object", "--type", "pubkey", "--label", "half")
    both = conf.read_text()
    conf.write_text(f"HostKey {half['uri']}\n{both}")
    words[2] = "half"
    assert "the configuration uses" in tool.call(*words)[2], "a key in use without its public half"
    conf.write_text(both)
    expect(tool.call(*words)[0], 0, "status")
    # The same file, in its usual place, counts for who names a module too.
    usual = pathlib.Path("/etc/sallyport")
    usual.mkdir(exist_ok=True)
    shutil.copy(conf, usual / "sallyport.conf")
    try:
        assert "the configuration uses" in place.must("key", "retire", "ed25519", "--yes", status=1)
    finally:
        (usual / "sallyport.conf").unlink()


def a_key_is_retired_by_who_types_its_label(place):
    before = place.keys()
    for given in (b"", b"rsa-3072 \n", b"ed25519\n"):
        place.must("key", "retire", "rsa-3072", given=given, status=1)
    expect(set(place.keys()), set(before), "keys")
    found = place.found("key", "retire", "rsa-3072", given=b"rsa-3072\n")
    expect((found["objects"], found["retired"]["fingerprint"]), (2, before["rsa-3072"]["fingerprint"]), "what is gone")
    expect(set(place.keys()), set(before) - {"rsa-3072"}, "keys")
    assert not re.search(r"label:\s*rsa-3072$", place.pkcs11("--list-objects"), re.MULTILINE), "another tool still sees it"
    assert "no private key" in place.must("key", "retire", "rsa-3072", "--yes", status=255)


# ---- a TPM --------------------------------------------------------------------------------------------------------

TPM = tool.TOP / "tests/hsm/tpm-token"


def tpm_start():
    for program in ("swtpm", "tpm2_dictionarylockout", "tpm2_flushcontext", "pkcs11-tool"):
        if not world.have(program):
            raise Skip(f"{program} is not installed (swtpm, tpm2-tools, libtpm2-pkcs11-1, opensc)")
    directory = world.STATE / "tpm"
    world.run(str(TPM), "start", str(directory))
    values = dict(line.split("=", 1) for line in (directory / "env").read_text().splitlines())
    place = Place("tpm-place", str(pathlib.Path(values["MODULE"]).resolve()))
    place.environment = [f"{name}={value}" for name, value in values.items() if name.startswith(("TPM2_", "TSS2_"))]
    place.pin.write_text(values["PIN"])
    place.pin.chmod(0o400)
    place.who = ["--as-root", "--token", values["TOKEN"]]
    place.tcti = values["TPM2TOOLS_TCTI"]
    return directory, place


def tpm_call(place, *words, **more):
    """There is no resource manager: what one process leaves in the TPM would be in the next one's way."""
    try:
        return place.found(*words, **more)
    finally:
        world.run("tpm2_flushcontext", "--transient-object", env={**os.environ, "TPM2TOOLS_TCTI": place.tcti})


def on_a_tpm(_):
    directory, place = tpm_start()
    try:
        made = []
        for name in ("ecdsa-p256", "ecdsa-p384", "rsa-2048"):
            key = tpm_call(place, "key", "generate", "--type", name, "--label", name)["key"]
            expect((key["type"], key["extractable"], key["sensitive"]), (TYPES[name][1], False, True), name)
            expect(key["fingerprint"], fingerprint(key["public"]), name)
            made.append(name)
        code, _, error = place.call("key", "generate", "--type", "ed25519", "--label", "none")
        assert code == 255 and "cannot make keys of that type" in error, error
        for name in made:
            rows = tpm_call(place, "key", "test", name)["tests"]
            assert all(row["good"] for row in rows), rows
        tpm_call(place, "key", "retire", "ecdsa-p384", "--yes")
        expect({row["label"] for row in tpm_call(place, "key", "list")["keys"]}, {"host", "ecdsa-p256", "rsa-2048"}, "keys")
        path = keygen(place.directory / "file", "-t", "ed25519")
        code, _, error = place.call("key", "import", path, "--label", "file")
        assert code == 255 and "make the key in it" in error, error
        place.who = ["--as-root"]
        pin, place.pin = place.pin, place.directory / "second-pin"
        place.pin.write_text("second")
        place.pin.chmod(0o400)
        tpm_call(place, "token", "init", "--label", "second", "--so-pin-file", place.so_pin)
        place.who = ["--as-root", "--token", "second"]
        tpm_call(place, "key", "generate", "--type", "ecdsa-p256", "--label", "x")
        place.pin = pin
    finally:
        world.run(str(TPM), "stop", str(directory))


SOFT = (a_token_is_made_ready, a_token_in_use_is_left_alone, it_is_destroyed_by_who_types_its_label,
        a_wrong_officers_pin_destroys_nothing, no_pin_file_is_left_by_what_failed,
        pins_are_kept_once_the_token_may_have_them, what_is_no_label_or_file_is_refused,
        a_module_that_others_could_change_is_refused, every_type_is_made, another_tool_says_the_same_of_them,
        a_label_is_taken_once, the_tokens_files_stay_the_signers, public_keys_are_what_ssh_keygen_reads,
        sshfp_is_ssh_keygens, every_algorithm_signs, a_key_without_its_public_half_fails_the_test,
        a_public_half_of_another_key_fails_the_test, files_of_every_type_are_taken_in, encrypted_files_are_refused,
        other_files_are_refused, clients_know_the_server_by_what_the_tool_says,
        clients_go_on_knowing_a_server_whose_keys_moved, a_certificate_is_asked_for_and_installed,
        other_certificates_are_refused, a_statement_is_signed_by_every_key, a_statement_is_judged,
        a_refused_pin_is_not_sent_again,
        what_the_tool_was_refused_the_signer_does_not_send,
        a_running_signer_hears_what_the_tool_was_refused, a_pin_file_that_others_can_read_is_refused, a_pin_is_typed_without_echo,
        typing_can_be_given_up, without_a_terminal_nothing_is_asked, the_tokens_warnings_are_said_and_heeded, a_wrong_pin_is_one_login,
        wrong_signatures_are_not_believed, a_module_that_dies_takes_nobody_with_it, a_key_in_use_is_not_retired,
        a_key_is_retired_by_who_types_its_label)


def run(ctl):
    if not ctl.wants("keys:"):
        if not any(ctl.wants(f"keys: {function.__name__.replace('_', ' ')}") for function in (*SOFT, on_a_tpm)):
            return
    if not (world.STATE / "keys/key_ed25519").exists():
        keys = world.make_client_keys(world.STATE / "keys")
        world.authorize("alice", world.public_key(keys["ed25519"]))
    place = Place("keytool").soft()
    for function in SOFT:  # each stands on what those before it made
        ctl.run(f"keys: {function.__name__.replace('_', ' ')}", function, place, seconds=120)
    ctl.run("keys: on a TPM", on_a_tpm, None, seconds=120)
