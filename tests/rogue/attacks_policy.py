"""Attacks of a worker on the site's policy: it says that both sides agreed on something that the policy forbids, or that
another policy holds than the one for its client's address. Run on a stack of its own (SITE below): everybody has SITE, the
second port has STRICT. Same conventions as attacks.py; `strict` marks those for clients of the second port."""

import os

from ipc import fields_encode
from ssh import MARKERS, Exchange, kexinit

ATTACKS = []
SITE_PORT, STRICT_PORT = 2203, 2204

POLICIES = {
    "SITE": """Inherit DEFAULT
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com
Ciphers +aes192-ctr Address 192.0.2.0/24
Ciphers +aes128-ctr NotAfter 2001-01-01
Ciphers +aes256-ctr Address 127.0.0.0/8
MACs hmac-sha2-512-etm@openssh.com
CompressionAlgorithms none
""",
    "STRICT": """Inherit SITE
Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com
RequireStrictKex yes
RequireConstantCipher yes
""",
}
CONFIGURATION = ["Policy SITE", f"Match LocalPort {STRICT_PORT}\nPolicy STRICT"]


def attack(strict):
    def add(function):
        function.port = STRICT_PORT if strict else SITE_PORT
        ATTACKS.append(function)
        return function

    return add


class Lists:
    """What an exchange says of both sides: the offer's, to be bent."""

    def __init__(self, offer, number):
        offer.choose(number)
        self.kex, self.host_keys, self.ciphers = list(offer.kex), list(offer.host_keys), list(offer.ciphers)
        self.macs, self.compression = list(offer.macs), list(offer.compression)


# The site has an exception for this test's own address, which an honest worker offers.
OWN_EXCEPTION = ["aes256-ctr"]


def lists_of(c, strict):
    lists = Lists(c.stack.offer, 1 if strict else 0)
    if not strict:
        lists.ciphers += OWN_EXCEPTION
    return lists


def exchange_of(c, server, client=None, first=True, markers=True):
    """An exchange in which our side has these lists, and the client's those of `client`."""
    client = client or server
    exchange = Exchange(c.stack.offer, c.stack.ident, first=first)
    exchange.host_key_algorithm = client.host_keys[0]
    exchange.i_s = kexinit(server.kex + (MARKERS if first else []), server.host_keys, server.ciphers, server.macs,
                           server.compression)
    ours = ["ext-info-c", "kex-strict-c-v00@openssh.com"] if first and markers else []
    exchange.i_c = kexinit([client.kex[0], *ours], client.host_keys[:1], client.ciphers[:1], client.macs[:1],
                           client.compression[:1])
    return exchange


def ask(c, exchange):
    c.link.send("ask_signature", transcript=exchange.transcript())


def must_sign(c, exchange):
    ask(c, exchange)
    answer = c.expect("signature")
    c.session_id = c.session_id or answer.values["h"]


def added(field, name, strict):
    """Both sides have a name that this build knows and the policy has not."""

    def run(c):
        lists = lists_of(c, strict)
        assert name not in getattr(lists, field), f"the policy allows {name}, so this is no attack"
        getattr(lists, field).insert(0, name)
        ask(c, exchange_of(c, lists))
        c.must_end()

    run.__name__ = f"{name.split('@')[0]}_which_the_{'strict_' if strict else ''}policy_forbids"
    return run


for name_of_list, forbidden in (("kex", "ecdh-sha2-nistp256"), ("kex", "diffie-hellman-group14-sha256"),
                                ("host_keys", "rsa-sha2-512"), ("ciphers", "chacha20-poly1305@openssh.com"),
                                ("macs", "hmac-sha1"), ("macs", "umac-64@openssh.com"), ("compression", "zlib@openssh.com")):
    attack(False)(added(name_of_list, forbidden, False))
    attack(True)(added(name_of_list, forbidden, True))


@attack(True)
def another_policy_than_that_of_the_address(c):
    """The worker serves a client of the second port by everybody's policy."""
    ask(c, exchange_of(c, lists_of(c, False)))
    c.must_end()


@attack(False)
def a_stricter_policy_than_that_of_the_address(c):
    """Not even that is the worker's to choose."""
    ask(c, exchange_of(c, lists_of(c, True)))
    c.must_end()


@attack(False)
def an_exception_for_another_address(c):
    lists = lists_of(c, False)
    lists.ciphers.insert(0, "aes192-ctr")
    ask(c, exchange_of(c, lists))
    c.must_end()


@attack(False)
def an_exception_that_has_ended(c):
    lists = lists_of(c, False)
    lists.ciphers.append("aes128-ctr")
    ask(c, exchange_of(c, lists))
    c.must_end()


@attack(False)
def an_exception_that_holds_is_signed_and_logged(c):
    lists, client = lists_of(c, False), lists_of(c, False)
    client.ciphers = list(OWN_EXCEPTION)
    must_sign(c, exchange_of(c, lists, client))
    rows = [row for row in c.stack.records() if row.get("event") == "policy_exception"]
    assert rows and rows[-1]["algorithm"] == "aes256-ctr" and "SITE.policy line 6" in rows[-1]["origin"], rows[-1:]


@attack(True)
def a_client_without_strict_key_exchange(c):
    ask(c, exchange_of(c, lists_of(c, True), markers=False))
    c.must_end()


@attack(True)
def a_rekey_with_another_cipher(c):
    lists, other = lists_of(c, True), lists_of(c, True)
    other.ciphers.reverse()
    must_sign(c, exchange_of(c, lists))
    c.ask_login()
    assert c.password().name == "auth_success"
    must_sign(c, exchange_of(c, lists, first=False))  # the same is well
    ask(c, exchange_of(c, lists, other, first=False))
    c.must_end()


@attack(False)
def a_rekey_with_what_the_policy_forbids(c):
    lists, worse = lists_of(c, False), lists_of(c, False)
    must_sign(c, exchange_of(c, lists))
    c.ask_login()
    assert c.password().name == "auth_success"
    worse.ciphers.insert(0, "aes192-ctr")
    ask(c, exchange_of(c, worse, first=False))
    c.must_end()


@attack(False)
def nothing_in_common_is_explained_and_not_signed(c):
    """What a worker of ours sends then; and one that says so although there is something in common gets nothing."""
    lists, client = lists_of(c, False), lists_of(c, False)
    client.kex = ["ecdh-sha2-nistp256"]
    exchange = exchange_of(c, lists, client)
    c.link.send("ask_signature", transcript=fields_encode("transcript", v_c=exchange.v_c, v_s=exchange.v_s,
                                                          i_c=exchange.i_c, i_s=exchange.i_s))
    message = c.link.receive(10)
    assert message.name == "end" and b"key exchange method" in message.values["text"], message
    rows = [row for row in c.stack.records() if row.get("event") == "exchange_refused"]
    row = rows[-1]
    assert row["policy"] == "SITE" and row["list"] == "KexAlgorithms", row
    assert "ecdh-sha2-nistp256 is out" in row["why"] and "line" in row["why"], row["why"]


@attack(False)
def an_exchange_without_values(c):
    exchange = exchange_of(c, lists_of(c, False))
    c.link.send("ask_signature", transcript=fields_encode("transcript", v_c=exchange.v_c, v_s=exchange.v_s,
                                                          i_c=exchange.i_c, i_s=exchange.i_s))
    c.must_end()


@attack(True)
def a_name_of_a_policy_in_the_version(c):
    """Names of policies are the monitor's to say; a worker has no field for one, and octets behind are malformed."""
    exchange = exchange_of(c, lists_of(c, True))
    c.link.send("ask_signature", transcript=exchange.transcript() + b"\0\0\0\4SITE" + os.urandom(4))
    c.must_end()
