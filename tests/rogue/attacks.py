"""What a worker that is fully taken over may try. Each function is one attack: it gets a fresh connection, does its
worst, and asserts that it was refused. The runner then asserts that the next honest login works."""

import os
import signal
import socket
import struct
import subprocess
import time

from ipc import Closed, ROWS, encode, fields_encode, mpint, string
from ssh import Exchange, kexinit, MARKERS

ATTACKS = []
def attack(function):
    ATTACKS.append(function)
    return function


def pi_bits(bits):
    """floor(pi * 2^bits) by Machin's formula, in integers."""
    guard = 64
    one = 1 << (bits + guard)

    def arctan_inverse(x):
        total = term = one // x
        n, sign = 3, -1
        while term:
            term //= x * x
            total += sign * (term // n)
            n, sign = n + 2, -sign
        return total

    return (4 * (4 * arctan_inverse(5) - arctan_inverse(239))) >> guard


def group14_prime():
    """RFC 3526 section 3."""
    return 2**2048 - 2**1984 - 1 + 2**64 * (pi_bits(1918) + 124476)


P14 = group14_prime()


def magnitude(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def refused(c, **changed):
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("ask_signature", transcript=exchange.transcript(**changed))
    c.must_end()


# ---- getting something else signed ----------------------------------------------------------------------------


@attack
def a_bare_hash(c):
    c.link.send("ask_signature", transcript=os.urandom(32))
    c.must_end()


@attack
def staying_after_having_been_told_to_go(c):
    c.link.send("ask_signature", transcript=os.urandom(32))
    c.must_end(patient=True)


@attack
def staying_when_the_zygote_that_could_stop_it_has_gone(c):
    """The monitor hands the process back to whoever is the zygote by then."""
    process = subprocess.Popen(["sleep", "60"])
    pidfd = os.pidfd_open(process.pid)
    c.stack.zygote.send("worker_started", fds=[pidfd], connection=c.number)
    os.close(pidfd)
    heard = f"heard of {process.pid}"  # the two links are not in step: what was said first has to have arrived
    c.stack.zygote.send("event", level=6, name="zygote_retires", text=heard, fields=b"")
    until = time.monotonic() + 10
    while not any(heard in str(row) for row in c.stack.records()):
        assert time.monotonic() < until, "the zygote's words are not in the log"
        time.sleep(0.02)
    c.link.send_bytes(b"\x7f\x7f")
    c.must_end(patient=True)
    message = c.stack.zygote.receive(10)
    while message.name != "stop_process" or message.values["connection"] != c.number:
        message = c.stack.zygote.receive(10)
    signal.pidfd_send_signal(message.fds[0], signal.SIGKILL)
    os.close(message.fds[0])
    assert process.wait(10) == -signal.SIGKILL


@attack
def a_bare_hash_dressed_as_every_field(c):
    c.link.send("ask_signature", transcript=fields_encode("transcript", i_c=os.urandom(32), secret=os.urandom(32)))
    c.must_end()


@attack
def an_empty_transcript(c):
    c.link.send("ask_signature", transcript=b"")
    c.must_end()


@attack
def a_transcript_with_a_trailing_byte(c):
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("ask_signature", transcript=exchange.transcript() + b"\0")
    c.must_end()


@attack
def an_algorithm_that_the_policy_lacks(c):
    offer = c.stack.offer
    weak = "diffie-hellman-group1-sha1"
    refused(c, i_c=kexinit([weak], offer.host_keys, offer.ciphers, offer.macs),
            i_s=kexinit(offer.kex + [weak] + MARKERS, offer.host_keys, offer.ciphers, offer.macs, offer.compression))


@attack
def a_cipher_that_the_policy_lacks(c):
    offer = c.stack.offer
    refused(c, i_c=kexinit(["curve25519-sha256"], offer.host_keys, ["3des-cbc"], offer.macs),
            i_s=kexinit(offer.kex + MARKERS, offer.host_keys, offer.ciphers + ["3des-cbc"], offer.macs, offer.compression))


@attack
def no_algorithm_in_common(c):
    offer = c.stack.offer
    refused(c, i_c=kexinit(["curve25519-sha256"], offer.host_keys, ["3des-cbc"], offer.macs))


@attack
def a_kexinit_in_another_order(c):
    offer = c.stack.offer
    refused(c, i_s=kexinit(list(reversed(offer.kex)) + MARKERS, offer.host_keys, offer.ciphers, offer.macs,
                           offer.compression))


@attack
def a_kexinit_without_strict_kex(c):
    offer = c.stack.offer
    refused(c, i_s=kexinit(offer.kex + MARKERS[:1], offer.host_keys, offer.ciphers, offer.macs, offer.compression))


@attack
def a_kexinit_with_a_reserved_value(c):
    offer = c.stack.offer
    refused(c, i_s=kexinit(offer.kex + MARKERS, offer.host_keys, offer.ciphers, offer.macs, offer.compression, reserved=1))


@attack
def a_kexinit_that_announces_a_guess(c):
    offer = c.stack.offer
    refused(c, i_s=kexinit(offer.kex + MARKERS, offer.host_keys, offer.ciphers, offer.macs, offer.compression, follows=1))


@attack
def another_server_version(c):
    refused(c, v_s=b"SSH-2.0-OpenSSH_9.9")


@attack
def a_client_version_with_a_line_break(c):
    refused(c, v_c=b"SSH-2.0-x\r\nSSH-2.0-y")


@attack
def a_client_version_of_protocol_1(c):
    refused(c, v_c=b"SSH-1.5-old")


@attack
def a_host_key_algorithm_that_was_not_negotiated(c):
    others = [name for name in c.stack.offer.host_keys if name != c.stack.offer.host_keys[0]]
    assert others, "the test token needs two keys"
    refused(c, host_key_algorithm=others[0])


@attack
def a_host_key_algorithm_that_does_not_exist(c):
    refused(c, host_key_algorithm="ssh-dss")


@attack
def a_low_order_point(c):
    refused(c, client_public=bytes(32))


@attack
def a_low_order_point_of_our_own(c):
    refused(c, server_public=b"\x01" + bytes(31))


@attack
def publics_of_another_method(c):
    refused(c, client_public=os.urandom(65))


@attack
def an_empty_secret(c):
    refused(c, secret=b"")


@attack
def a_secret_of_another_size(c):
    refused(c, secret=os.urandom(33))


def weak_group(value):
    def run(c):
        offer = c.stack.offer
        exchange = Exchange(offer, c.stack.ident, kex="diffie-hellman-group14-sha256")
        good = magnitude(pow(2, int.from_bytes(os.urandom(64), "big"), P14))
        for name in ("client_public", "server_public"):
            publics = {"client_public": good, "server_public": good, name: magnitude(value) if value else b""}
            connection = c if name == "client_public" else c.stack.connect()
            connection.link.send("ask_signature", transcript=exchange.transcript(secret=good, **publics))
            connection.must_end()

    return run


for label, number in (("zero", 0), ("one", 1), ("p_minus_one", P14 - 1), ("p", P14), ("above_p", P14 + 2)):
    case = weak_group(number)
    case.__name__ = "a_weak_group_value_" + label
    attack(case)


GEX = "diffie-hellman-group-exchange-sha256"


def gex_group(prime, generator=2, sizes=(2048, 2048, 8192)):
    return struct.pack(">III", *sizes) + mpint(prime) + mpint(generator)


def gex_transcript(c, group):
    good = magnitude(pow(2, int.from_bytes(os.urandom(64), "big"), P14))
    exchange = Exchange(c.stack.offer, c.stack.ident, kex=GEX)
    return exchange.transcript(group=group, client_public=good, server_public=good, secret=good)


def foreign_group(group):
    """A worker that answers a client's request with a group of its own, to learn the client's exponent or to be learnt."""
    def run(c):
        honest = c.stack.connect()  # the same with the server's group is signed
        honest.link.send("ask_signature", transcript=gex_transcript(honest, gex_group(P14)))
        honest.expect("signature")
        honest.close()
        c.link.send("ask_signature", transcript=gex_transcript(c, group))
        c.must_end()

    return run


for label, encoded in (("smooth_prime", gex_group(P14 - 2**64)), ("small_prime", gex_group(2**1024 - 129, sizes=(1024, 1024, 1024))),
                       ("generator", gex_group(P14, generator=P14 - 1)), ("size", gex_group(P14, sizes=(2048, 4096, 8192))),
                       ("nothing", b""), ("tail", gex_group(P14) + b"\0")):
    case = foreign_group(encoded)
    case.__name__ = "a_foreign_group_" + label
    attack(case)


@attack
def a_group_for_a_method_that_has_its_own(c):
    refused(c, group=gex_group(P14))


@attack
def a_point_off_the_curve(c):
    exchange = Exchange(c.stack.offer, c.stack.ident, kex="ecdh-sha2-nistp256")
    point = b"\x04" + os.urandom(64)
    c.link.send("ask_signature", transcript=exchange.transcript(client_public=point, server_public=point))
    c.must_end()


@attack
def a_second_first_exchange(c):
    c.exchange()
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("ask_signature", transcript=exchange.transcript())
    c.must_end()


@attack
def two_signatures_at_once(c):
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("ask_signature", transcript=exchange.transcript())
    c.link.send("ask_signature", transcript=exchange.transcript())
    signatures = 0
    while True:
        try:
            signatures += c.link.receive().name == "signature"
        except Closed:
            break
    assert signatures <= 1, "two signatures were made"


@attack
def a_rekey_that_pretends_to_be_first(c):
    c.login()
    exchange = Exchange(c.stack.offer, c.stack.ident, first=True)  # with the markers of a first exchange
    c.link.send("ask_signature", transcript=exchange.transcript())
    c.must_end()


@attack
def the_signers_own_message(c):
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("sign", connection=1, generation=c.stack.generation, first=1, transcript=exchange.transcript())
    c.must_end()


@attack
def a_direct_request_to_the_token(c):
    c.link.send("token_sign", ticket=1, key=0, mechanism=1, data=os.urandom(32))
    c.must_end()


@attack
def reaching_the_signer_without_the_monitor(c):
    """Not even the socket's name is of use: it is the monitor's alone. Tried as the worker's user."""
    uid, gid = (int(x) for x in c.stack.ids["worker"].split(":"))
    for name in ("signer", "session"):
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                sock.connect(os.path.join(c.stack.directory, name + ".sock"))
            except PermissionError:
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, f"the worker's user reached {name}"


# ---- identity --------------------------------------------------------------------------------------------------


@attack
def a_login_before_the_exchange(c):
    c.link.send("ask_login", user="alice")
    c.must_end()


@attack
def a_second_identity(c):
    c.exchange()
    c.ask_login("alice")
    c.link.send("ask_login", user="bob")
    c.must_end()


@attack
def another_user_after_login(c):
    c.login()
    c.link.send("ask_login", user="root")
    c.must_end()


@attack
def a_forged_success(c):
    c.exchange()
    c.ask_login("alice")
    c.link.send("login_succeeded", user="alice", uid=0, methods="publickey")
    c.must_end()


@attack
def a_forged_success_on_the_session_link(c):
    c.exchange()
    c.ask_login("alice")
    c.session.send("auth_success")
    c.session_must_end()


@attack
def a_name_with_a_nul(c):
    c.exchange()
    c.link.send("ask_login", user=b"alice\0root")
    c.must_end()


@attack
def a_name_over_the_limit(c):
    c.exchange()
    c.link.send("ask_login", user="a" * 256)
    c.must_end()


@attack
def another_connections_session_id(c):
    """A signature of alice's own key, but over the session id of another connection."""
    other = c.stack.connect()
    other.exchange()
    c.exchange()
    c.ask_login("alice")
    key = c.stack.user_key
    data = (string(other.session_id) + b"\x32" + string("alice") + string("ssh-connection") + string("publickey") +
            b"\x01" + string("ssh-ed25519") + string(key.blob))
    c.session.send("auth_publickey", algorithm="ssh-ed25519", blob=key.blob, signed_request=1,
                   signature=key.sign(data))
    assert c.answer().name == "auth_failure"
    own = data.replace(string(other.session_id), string(c.session_id))
    c.session.send("auth_publickey", algorithm="ssh-ed25519", blob=key.blob, signed_request=1,
                   signature=key.sign(own))
    assert c.answer().name == "auth_success", "the same key over the right session id was refused"


@attack
def another_host_key_in_a_hostbound_request(c):
    c.exchange()
    c.ask_login("alice")
    key = c.stack.user_key
    other = string("ssh-ed25519") + string(os.urandom(32))
    data = (string(c.session_id) + b"\x32" + string("alice") + string("ssh-connection") +
            string("publickey-hostbound-v00@openssh.com") + b"\x01" + string("ssh-ed25519") + string(key.blob) +
            string(other))
    c.session.send("auth_publickey", algorithm="ssh-ed25519", blob=key.blob, hostbound=1, host_key=other,
                   signed_request=1, signature=key.sign(data))
    try:
        assert c.answer().name in ("auth_failure", "auth_over")
    except Closed:
        pass


# ---- a session before login --------------------------------------------------------------------------------------


def before_login(name, /, **values):
    def run(c):
        c.exchange()
        c.ask_login("alice")
        c.session.send(name, **values)
        c.session_must_end()

    run.__name__ = f"{name}_before_login"
    return run


attack(before_login("channel_run", channel=0, kind=2, command="id"))
attack(before_login("channel_pty", channel=0, term="xterm", columns=80, rows=24))
attack(before_login("channel_env", channel=0, name="LANG", value="C"))
attack(before_login("channel_signal", channel=0, name="TERM"))


@attack
def a_program_after_a_failed_password(c):
    c.exchange()
    c.ask_login("alice")
    assert c.password("wrong").name == "auth_failure"
    c.session.send("channel_run", channel=0, kind=2, command="id")
    c.session_must_end()


@attack
def answers_that_nobody_asked_for(c):
    c.exchange()
    c.ask_login("alice")
    c.session.send("auth_answers", count=1, answers=string("correct horse"))
    try:
        assert c.answer().name in ("auth_failure", "auth_over")
    except Closed:
        pass


@attack
def more_answers_than_prompts(c):
    c.exchange()
    c.ask_login("alice")
    c.session.send("auth_keyboard_interactive")
    assert c.answer().name == "auth_info_request"
    c.session.send("auth_answers", count=3, answers=string("correct horse") * 3)
    try:
        assert c.answer().name in ("auth_failure", "auth_over")
    except Closed:
        pass


@attack
def an_answer_count_that_lies(c):
    c.exchange()
    c.ask_login("alice")
    c.session.send("auth_keyboard_interactive")
    assert c.answer().name == "auth_info_request"
    c.session.send("auth_answers", count=0xffffffff, answers=string("correct horse"))
    try:
        assert c.answer().name in ("auth_failure", "auth_over")
    except Closed:
        pass


@attack
def endless_password_guesses(c):
    c.exchange()
    c.ask_login("alice")
    for _ in range(12):
        try:
            answer = c.password("wrong")
        except Closed:
            return
        if answer.name == "auth_over":
            return
        assert answer.name == "auth_failure", answer
    raise AssertionError("twelve guesses on one connection")


# ---- form --------------------------------------------------------------------------------------------------------


def link_in_phase(c, phase):
    if phase in ("READY", "AUTH"):
        c.exchange()
    if phase == "AUTH":
        c.ask_login("alice")
    if phase == "LOGIN":
        c.login()


@attack
def an_unknown_message(c):
    c.link.send_bytes(b"\x7f\x7f")
    c.must_end()


@attack
def an_empty_datagram_with_a_descriptor(c):
    c.link.send_bytes(b"", [c.client.fileno()])
    c.must_end()


@attack
def an_oversized_message(c):
    c.link.send_bytes(encode("ask_signature", transcript=bytes(100000)))
    c.must_end()


@attack
def stray_descriptors(c):
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("ask_signature", fds=[0, 1, 2, 0, 1, 2, 0, 1], transcript=exchange.transcript())
    c.must_end()


@attack
def a_stray_descriptor_on_the_session_link(c):
    c.exchange()
    c.ask_login("alice")
    c.session.send("auth_none", fds=[0])
    c.session_must_end()


@attack
def every_truncation_of_a_signature_request(c):
    exchange = Exchange(c.stack.offer, c.stack.ident)
    whole = encode("ask_signature", transcript=exchange.transcript())
    cuts = sorted({1, 2, 3, 5, 6, 7, 20, len(whole) // 2, len(whole) - 1})
    for cut in cuts:
        connection = c.stack.connect()
        connection.link.send_bytes(whole[:cut])
        connection.must_end()


# ---- floods ------------------------------------------------------------------------------------------------------


def flood(link, data, count):
    link.sock.settimeout(5)
    for _ in range(count):
        try:
            link.send_bytes(data)
        except (Closed, TimeoutError):
            return


@attack
def a_flood_of_log_lines(c):
    flood(c.link, encode("event", level=6, name="spam", text=b"x" * 2000 + b"\n\x1b[2J\r\0"), 20000)
    other = c.stack.connect()
    other.exchange()


@attack
def reports_that_nobody_asked_for(c):
    """They are dropped, whatever they claim; the session goes on, and so do others."""
    c.login()
    flood(c.link, encode("report", octets_in=2**64 - 1, octets_out=2**64 - 1, rekeys=2**32 - 1, channels=2**32 - 1,
                         idle_ms=2**64 - 1), 10000)
    c.link.send("ask_proof", keys=b"")
    other = c.stack.connect()
    other.exchange()


@attack
def a_flood_of_login_requests(c):
    c.exchange()
    flood(c.link, encode("ask_login", user="alice"), 10000)
    c.must_end()


@attack
def a_flood_of_unknown_methods(c):
    c.exchange()
    c.ask_login("alice")
    flood(c.session, encode("auth_unknown", method="hostbased"), 10000)
    c.session_must_end(allowed=("auth_failure", "auth_over"), timeout=30)


@attack
def a_flood_of_environment(c):
    c.login()
    flood(c.session, encode("channel_env", channel=0, name="LANG", value=b"x" * 16000), 5000)
    other = c.stack.connect()
    other.exchange()


@attack
def a_flood_of_terminals(c):
    c.login()
    for channel in range(2000):
        try:
            c.session.send("channel_pty", channel=channel, term="xterm", columns=80, rows=24)
        except (Closed, TimeoutError):
            break
    other = c.stack.connect()
    other.exchange()


@attack
def connections_that_say_nothing(c):
    idle = [c.stack.connect() for _ in range(5)]
    other = c.stack.connect()
    other.exchange()
    for connection in idle:
        connection.close()


# ---- every message in every phase ----------------------------------------------------------------------------------


def minimal(row):
    return {field: (b"x" if kind in ("BYTES", "TEXT") else 1) for kind, field, _ in row.fields}


def every_message(phase, on_session):
    """Any message that the rows do not let a worker send in that phase must end the link it came on."""

    def run(c):
        receiver = "SESSION" if on_session else "MONITOR"
        for row in ROWS.values():
            if row.sender in ("WORKER", "ANY") and row.receiver in (receiver, "ANY") and phase in row.phases:
                continue
            connection = c.stack.connect()
            link_in_phase(connection, phase)
            link = connection.session if on_session else connection.link
            fds = [0] * row.descriptors
            link.send(row.name, fds=fds, **minimal(row))
            if on_session:
                connection.session_must_end()
            else:
                connection.must_end()
            connection.close()

    run.__name__ = f"every_forbidden_message_to_{'session' if on_session else 'monitor'}_in_{phase.lower()}"
    return run


for phase_name in ("START", "READY", "AUTH", "LOGIN"):
    attack(every_message(phase_name, False))
for phase_name in ("AUTH", "LOGIN"):
    attack(every_message(phase_name, True))


def malformed(name, phase, on_session):
    """The legal message, one byte short, one byte long, and with each text or bytes field one over its limit."""

    def run(c):
        row = ROWS[name]
        whole = encode(name, **minimal(row))
        bad = [whole[:-1], whole + b"\0"] if row.fields else [whole + b"\0"]
        for kind, field, limit in row.fields:
            if kind in ("BYTES", "TEXT"):
                bad.append(encode(name, **{**minimal(row), field: b"x" * (limit + 1)}))
            if kind == "TEXT":
                bad.append(encode(name, **{**minimal(row), field: b"x\0y"}))
            if kind == "BOOL":
                bad.append(encode(name, **{**minimal(row), field: 2}))
        for data in bad:
            connection = c.stack.connect()
            link_in_phase(connection, phase)
            link = connection.session if on_session else connection.link
            link.send_bytes(data)
            if on_session:
                connection.session_must_end()
            else:
                connection.must_end()
            connection.close()

    run.__name__ = f"malformed_{name}"
    return run


for row in ROWS.values():
    if row.sender != "WORKER" or row.receiver not in ("MONITOR", "SESSION"):
        continue
    phases = [p for p in ("START", "READY", "AUTH", "LOGIN") if p in row.phases]
    attack(malformed(row.name, phases[0], row.receiver == "SESSION"))
