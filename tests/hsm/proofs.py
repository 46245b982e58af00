"""Proofs of host keys for clients, as the monitor asks the signer for them."""

import os
import struct
import time

from cryptography.exceptions import InvalidSignature

from fairness import Flood, wait_of_one, waits_of_fair
from monitor import ABANDON, HOST_KEYS, PROVE, string, strings, verify

NAME = "hostkeys-prove-00@openssh.com"
WAITING_MAX = 128  # connections, as in service/signer/prover.h


def negotiated(host_key):
    return b"".join(string(name) for name in ("SSH-2.0-test", "curve25519-sha256", host_key))


def ask(signer, connection, blobs, session_id=None, host_key="ssh-ed25519", generation=None):
    session_id = os.urandom(32) if session_id is None else session_id
    signer.send(PROVE, struct.pack(">QQ", connection, signer.generation if generation is None else generation)
                + string(session_id) + string("192.0.2.1") + string(negotiated(host_key))
                + string(b"".join(string(blob) for blob in blobs)))
    return session_id


def prove(signer, connection, blobs, **options):
    """Asks, waits, and checks what comes: a signature of each key, over name, session and key."""
    session_id = ask(signer, connection, blobs, **options)
    answer = signer.receive()
    assert (answer["message"], answer["connection"]) == ("prove_done", connection), answer
    return check(answer, session_id, blobs)


def check(answer, session_id, blobs):
    signatures = strings(answer["signatures"])
    assert len(signatures) == len(blobs) == len(strings(answer["fingerprints"])), answer
    for blob, signature in zip(blobs, signatures):
        try:
            verify(blob, signature, string(NAME) + string(session_id) + string(blob))
        except InvalidSignature:
            raise AssertionError("a proof does not verify") from None
    return [strings(signature)[0].decode() for signature in signatures]


def refused(signer, connection, blobs, illegal, why, **options):
    ask(signer, connection, blobs, **options)
    answer = signer.receive()
    assert (answer["message"], answer["connection"]) == ("prove_refused", connection), answer
    assert bool(answer["illegal"]) == illegal and why in answer["why"].decode(), answer


def blobs_by_type(signer):
    return {strings(blob)[0].decode(): (names.decode(), blob) for names, blob in signer.offer["keys"]}


def announces_and_proves(signer, configuration):
    """Staged keys are announced without an algorithm, and everything is proved once per connection."""
    signer.must_configure(configuration)
    keys = blobs_by_type(signer)
    assert keys["ecdsa-sha2-nistp384"][0] == "" and "384" not in signer.offer["host_key"], signer.offer
    assert signer.host_keys.count(b"SHA256:") == len(keys) and HOST_KEYS == 29
    everything = [blob for _, blob in keys.values()]
    prove(signer, 1, everything)
    for blob in everything:
        refused(signer, 1, [blob], True, "second time")
    prove(signer, 2, everything[:1])
    refused(signer, 2, everything, True, "second time")
    prove(signer, 2, everything[1:])
    signer.send(ABANDON, struct.pack(">Q", 1))
    prove(signer, 1, everything)  # another connection with the number of one that has gone


def takes_the_digest_of_the_exchange(signer, configuration):
    signer.must_configure(configuration)
    rsa = blobs_by_type(signer)["ssh-rsa"][1]
    for connection, (agreed, made) in enumerate((("rsa-sha2-256", "rsa-sha2-256"), ("rsa-sha2-512", "rsa-sha2-512"),
                                                 ("ssh-ed25519", "rsa-sha2-512"),
                                                 ("rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-256")), 1):
        assert prove(signer, connection, [rsa], host_key=agreed) == [made], agreed


def refuses_what_no_worker_asks(signer, configuration):
    signer.must_configure(configuration)
    (_, good), *_ = blobs_by_type(signer).values()
    foreign = string("ssh-ed25519") + string(os.urandom(32))
    refused(signer, 1, [foreign], True, "none of ours")
    refused(signer, 1, [os.urandom(32)], True, "none of ours")
    refused(signer, 1, [good, foreign], True, "none of ours")
    refused(signer, 1, [good, good], True, "twice at once")
    refused(signer, 1, [], True, "malformed")
    refused(signer, 1, [good], True, "out of turn", session_id=b"")
    refused(signer, 1, [good], False, "not known", generation=signer.generation + 7)
    signer.send(PROVE, struct.pack(">QQ", 1, signer.generation) + string(b"s" * 32) + string("") + string(b"") +
                string(string(good) + b"\0"))
    answer = signer.receive()
    assert answer["message"] == "prove_refused" and answer["illegal"], answer
    prove(signer, 1, [good])  # none of these was counted


def goes_behind_exchanges(signer, algorithm):
    """While exchanges wait, no proof is made; when none does, all are; and one of them costs an exchange no more than one
    signature."""
    one = wait_of_one(signer, algorithm)
    (_, blob), *_ = blobs_by_type(signer).values()
    flood = Flood(signer, algorithm, 60)
    asked = {connection: ask(signer, connection, [blob]) for connection in range(1000, 1000 + WAITING_MAX)}
    refused_at = time.monotonic()
    ask(signer, 2000, [blob])
    waits, late = [], None
    while late is None:  # the flood's answers come between
        answer = signer.receive()
        if answer["message"] == "prove_refused":
            late = answer
        else:
            flood.answered(answer)
    assert late["connection"] == 2000 and not late["illegal"] and b"too many" in late["why"], late
    assert time.monotonic() - refused_at < 2, "the refusal waited"
    waits = waits_of_fair(signer, algorithm, flood, 10)  # fails if a proof is among the answers
    signer.send(ABANDON, struct.pack(">Q", 1000))
    del asked[1000]
    flood.end()
    while asked:
        answer = signer.receive()
        assert answer["message"] == "prove_done", answer
        check(answer, asked.pop(answer["connection"]), [blob])
    assert max(waits) < 8 * one, f"an exchange waited {max(waits) / one:.1f} signatures"
    return f"{WAITING_MAX} proofs wait: an exchange waits {max(waits) / one:.1f} signatures at worst"
