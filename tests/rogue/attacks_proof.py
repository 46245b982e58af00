"""Attacks of a worker on proofs of host keys, the one thing besides exchanges that a token signs for a client. Same
conventions as attacks.py."""

import os
import struct

from attacks import attack
from ipc import Closed, encode, string
from ssh import signature_is_good, strings


def keys_of(c):
    """Plain blobs, as the offer has them."""
    return sorted({blob for name, blob in c.stack.offer.keys.items() if "-cert-" not in name})


def message(c, blob):
    return string("hostkeys-prove-00@openssh.com") + string(c.session_id) + string(blob)


def prove(c, *blobs):
    c.link.send("ask_proof", keys=b"".join(string(blob) for blob in blobs))
    return strings(c.expect("proofs").values["signatures"])


@attack
def a_proof_before_a_login_is_not_made(c):
    c.exchange()
    c.link.send("ask_proof", keys=string(keys_of(c)[0]))
    c.must_end()


@attack
def a_proof_before_the_first_exchange_is_not_made(c):
    c.link.send("ask_proof", keys=string(keys_of(c)[0]))
    c.must_end()


@attack
def a_proof_is_of_this_session_and_of_nothing_else(c):
    """What is proved is bound to the session whose id the monitor knows: it is of no use to another."""
    c.login()
    blobs = keys_of(c)
    for blob, signature in zip(blobs, prove(c, *blobs), strict=True):
        assert signature_is_good(blob, signature, message(c, blob)), "the proof does not verify"
        assert not signature_is_good(blob, signature, c.session_id), "it passes for an exchange"
    other = c.stack.connect()
    other.login()
    assert other.session_id != c.session_id
    (signature,) = prove(other, blobs[0])
    assert signature_is_good(blobs[0], signature, message(other, blobs[0]))
    assert not signature_is_good(blobs[0], signature, message(c, blobs[0])), "it proves another session"
    other.close()


@attack
def a_second_proof_of_a_key(c):
    c.login()
    prove(c, keys_of(c)[0])
    c.link.send("ask_proof", keys=string(keys_of(c)[0]))
    c.must_end()


@attack
def the_same_key_twice_in_one_list(c):
    c.login()
    c.link.send("ask_proof", keys=2 * string(keys_of(c)[0]))
    c.must_end()


@attack
def a_proof_of_a_foreign_key(c):
    c.login()
    foreign = string("ssh-ed25519") + string(os.urandom(32))
    c.link.send("ask_proof", keys=string(foreign))
    c.must_end()


@attack
def a_blob_that_is_to_be_signed_as_it_is(c):
    """No key, but what somebody would like to have signed."""
    c.login()
    c.link.send("ask_proof", keys=string(os.urandom(32)))
    c.must_end()


@attack
def a_list_of_keys_with_a_trailing_byte(c):
    c.login()
    c.link.send("ask_proof", keys=string(keys_of(c)[0]) + b"\0")
    c.must_end()


@attack
def an_empty_list_of_keys(c):
    c.login()
    c.link.send("ask_proof", keys=b"")
    c.must_end()


@attack
def a_list_of_keys_that_is_longer_than_its_limit(c):
    c.login()
    try:
        data = encode("ask_proof", keys=b"")[:2] + struct.pack(">I", 32769) + bytes(32769)
        c.link.send_bytes(data)
    except Closed:
        pass
    c.must_end()


@attack
def many_keys_of_which_one_is_ours(c):
    c.login()
    c.link.send("ask_proof", keys=string(keys_of(c)[0]) + b"".join(string(os.urandom(32)) for _ in range(100)))
    c.must_end()


@attack
def a_second_question_before_the_first_is_answered(c):
    c.login()
    first, second = keys_of(c)[:2]
    c.link.send("ask_proof", keys=string(first))
    c.link.send("ask_proof", keys=string(second))
    c.must_end()


@attack
def the_monitors_answer_said_by_the_worker(c):
    c.login()
    c.link.send_bytes(struct.pack(">H", 71) + string(b"signature"))
    c.must_end()
