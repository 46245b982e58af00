"""Attacks of a worker on whose connection it is: it says it twice, too late, where nobody asked, or not at all. The stack
has a second port for balancers (PROXY_PORT), which trusts this machine. Same conventions as attacks.py; each attack is made
on the port that it is marked for."""

import struct

from ipc import string
from ssh import Exchange

ATTACKS = []
PLAIN_PORT, PROXY_PORT = 2201, 2205
CONFIGURATION = [f"ListenAddress 127.0.0.1:{PROXY_PORT}", f"ProxyProtocol {PROXY_PORT}", "ProxyTrusted 127.0.0.0/8"]
LOCAL, UNKNOWN, CLIENT = 1, 2, 3
VICTIM, OWN = "198.51.100.66", "192.0.2.10"


def attack(port):
    def add(function):
        function.port = port
        ATTACKS.append(function)
        return function

    return add


def octets(address):
    return bytes(int(part) for part in address.split("."))


def say(c, address, kind=CLIENT, port=4711):
    c.link.send("proxied", kind=kind, source=octets(address), destination=octets("192.0.2.1"), source_port=port,
                destination_port=22)


def must_say(c, address):
    say(c, address)
    answer = c.expect("proxied_policy")
    assert answer.values["remote_address"] == address.encode(), answer


def is_named(c, address):
    """Whether any record has that address for a peer."""
    return any(address in (row.get("peer", ""), row.get("balancer", "")) for row in c.stack.records())


def victim_is_free(c):
    """Nobody who was not there has to wait, or is in the log."""
    assert not is_named(c, VICTIM), "a record names somebody who was never here"


@attack(PROXY_PORT)
def says_it_twice(c):
    must_say(c, OWN)
    say(c, VICTIM)
    c.must_end()
    victim_is_free(c)


@attack(PROXY_PORT)
def says_it_twice_before_the_answer(c):
    say(c, OWN)
    say(c, VICTIM)
    expected = c.link.receive(10)
    assert expected.name == "proxied_policy" and expected.values["remote_address"] == OWN.encode(), expected
    c.must_end()
    victim_is_free(c)


@attack(PROXY_PORT)
def says_it_while_a_signature_is_asked_for(c):
    must_say(c, OWN)
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("ask_signature", transcript=exchange.transcript())
    say(c, VICTIM)
    c.must_end()
    victim_is_free(c)


@attack(PROXY_PORT)
def says_it_after_the_first_exchange(c):
    must_say(c, OWN)
    c.exchange()
    say(c, VICTIM)
    c.must_end()
    victim_is_free(c)


@attack(PROXY_PORT)
def says_it_after_the_login(c):
    must_say(c, OWN)
    c.login()
    say(c, VICTIM)
    c.must_end()
    victim_is_free(c)


@attack(PLAIN_PORT)
def says_it_where_there_is_no_balancer(c):
    say(c, VICTIM)
    c.must_end()
    victim_is_free(c)


@attack(PLAIN_PORT)
def says_it_where_there_is_no_balancer_after_an_exchange(c):
    c.exchange()
    say(c, VICTIM)
    c.must_end()
    victim_is_free(c)


@attack(PROXY_PORT)
def asks_for_a_signature_without_saying_it(c):
    exchange = Exchange(c.stack.offer, c.stack.ident)
    c.link.send("ask_signature", transcript=exchange.transcript())
    c.must_end()


@attack(PROXY_PORT)
def asks_for_a_login_without_saying_it(c):
    c.link.send("ask_login", user="alice")
    c.must_end()


@attack(PROXY_PORT)
def says_it_with_half_an_address(c):
    c.link.send("proxied", kind=CLIENT, source=octets(VICTIM)[:3], destination=octets(OWN)[:3])
    c.must_end()


@attack(PROXY_PORT)
def says_it_with_addresses_of_two_families(c):
    c.link.send("proxied", kind=CLIENT, source=octets(VICTIM), destination=bytes(16))
    c.must_end()
    victim_is_free(c)


@attack(PROXY_PORT)
def says_it_with_an_address_for_the_balancers_own(c):
    say(c, VICTIM, kind=LOCAL)
    c.must_end()
    victim_is_free(c)


@attack(PROXY_PORT)
def says_it_of_an_unknown_kind(c):
    c.link.send("proxied", kind=9)
    c.must_end()


@attack(PROXY_PORT)
def says_it_with_more_octets_than_an_address_has(c):
    body = struct.pack(">HB", 76, CLIENT) + string(bytes(17)) + string(bytes(17)) + struct.pack(">HH", 1, 2)
    c.link.send_bytes(body)
    c.must_end()


@attack(PLAIN_PORT)
def invents_a_balancer_in_an_event(c):
    c.link.send("event", level=4, name="noticed", text="x", fields=string("balancer") + string(VICTIM))
    c.exchange()
    victim_is_free(c)


@attack(PROXY_PORT)
def gets_the_penalty_of_its_own_crash_alone(c):
    """What a worker can still do to an address is what it does to its own: it says one, once, and dies."""
    must_say(c, OWN)
    c.link.close()
    c.stack.zygote.send("worker_exited", connection=c.number, status=11)
    second = c.stack.connect()
    say(second, OWN)
    second.must_end()
    third = c.stack.connect()
    must_say(third, "192.0.2.11")
    third.close()
    second.close()
