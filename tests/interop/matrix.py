"""The algorithms that a client and this server have in common. One row per key exchange and host key algorithm; each stands
for the number of cipher and MAC combinations that it names, and for a login and a command with each: every cipher, with a
MAC that changes from row to row, and in the first row every cipher with every MAC. With --full every row has all of these,
which takes five times as long.

A client that cannot be told what to use meets a server that is configured to leave it no choice: first every key
exchange with every host key, then every cipher with every MAC (so not the full product)."""

import collections
import itertools

from clients import AEAD, KINDS, choices, registry
from functions import SHARED

KEYWORDS = {"kex": "KexAlgorithms", "host_key": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}


def everything():
    """Configuration lines that offer all that this build has."""
    return [f"{KEYWORDS[kind]} {','.join(names)}" for kind, names in registry().items()]


def narrow(choice):
    return [f"{KEYWORDS[kind]} {getattr(choice, kind)}" for kind in KINDS]


def negotiated(server):
    """What the server says was negotiated since mark(), counted."""
    return collections.Counter((event.get("kex"), event.get("host_key"), event.get("cipher_in"),
                                event.get("cipher_out")) for event in server.events("negotiated"))


def check(results, server):
    """All logins worked, and the server saw the algorithms that were asked for."""
    failed = [f"{choice.cipher} {choice.mac}: {why}" for choice, why in results if why]
    assert not failed, f"{len(failed)} of {len(results)} failed: " + "; ".join(failed[:3])
    if not server.tells_events:
        return f"{len(results)} combinations of cipher and MAC"
    wanted = collections.Counter((c.kex, c.host_key, c.cipher, c.cipher) for c, _ in results)
    seen = negotiated(server)
    assert not wanted - seen, f"the server negotiated something else: {list((wanted - seen).items())[:2]}"
    return f"{len(results)} combinations of cipher and MAC"


def log_in_group(client, setting, group):
    setting.server.mark()
    return check(list(client.log_in_each(setting.target, setting.by_key(), group)), setting.server)


def thin(group, row):
    """Each cipher once, with one of its MACs, another in each row."""
    by_cipher = {}
    for choice in group:
        by_cipher.setdefault(choice.cipher, []).append(choice)
    return [ones[(row + at) % len(ones)] for at, ones in enumerate(by_cipher.values())]


def run_chosen(suite, setting, theirs, ours, full):
    """By the client's own options."""
    client = setting.client
    groups = itertools.groupby(choices(ours, theirs), lambda c: (c.kex, c.host_key))
    for row, ((kex, host_key), group) in enumerate(groups):
        group = list(group) if full or row == 0 else thin(group, row)
        suite.run(f"{client.name} {kex} {host_key}", log_in_group, client, setting, group, seconds=240,
                  on_failure=setting.server.log_tail)


def log_in_narrowed(client, setting, choice):
    setting.server.reload([*SHARED, *narrow(choice)])
    return check(list(client.log_in_each(setting.target, setting.by_key(), [choice])), setting.server)


def run_narrowed(suite, setting, theirs, ours):
    """Pairs, by the server's configuration."""
    client, full = setting.client, list(choices(ours, theirs))
    first = full[0]
    pairs = [c for c in full if (c.cipher, c.mac) == (first.cipher, first.mac)]
    pairs += [c for c in full if (c.kex, c.host_key) == (first.kex, first.host_key) and c not in pairs]
    for choice in pairs:
        mac = "" if choice.cipher in AEAD else f" {choice.mac}"
        suite.run(f"{client.name} {choice.kex} {choice.host_key} {choice.cipher}{mac}", log_in_narrowed, client,
                  setting, choice, on_failure=setting.server.log_tail)


def run(suite, setting, theirs, ours, full):
    if setting.client.chooses:
        run_chosen(suite, setting, theirs, ours, full)
    else:
        run_narrowed(suite, setting, theirs, ours)
