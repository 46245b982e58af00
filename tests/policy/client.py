"""The distribution's own ssh, told exactly what to offer."""

import subprocess

import world

KINDS = {"kex": "KexAlgorithms", "host_key": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}
QUERIES = {"kex": "kex", "host_key": "HostKeyAlgorithms", "cipher": "cipher", "mac": "mac"}
# The words of ssh(1) for a list in which the two sides have nothing in common.
WORDS = {"kex": "no matching key exchange method found", "host_key": "no matching host key type found",
         "cipher": "no matching cipher found", "mac": "no matching MAC found"}
AEAD = ("-gcm@openssh.com", "chacha20-poly1305@openssh.com")


def has(kind):
    return world.run("ssh", "-Q", QUERIES[kind]).split()


def is_aead(cipher):
    return cipher.endswith(AEAD)


def ssh(server, command="echo here", user="alice", key=None, source=None, extra=(), seconds=60, **lists):
    """lists: kind -> names that are offered, and no others."""
    options = ["-F", "none", "-o", f"UserKnownHostsFile={world.STATE}/known", "-o", "GlobalKnownHostsFile=/dev/null",
               "-o", "StrictHostKeyChecking=no", "-v", "-o", f"Port={server.port}", "-o", f"User={user}",
               "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20",
               "-o", "PubkeyAcceptedAlgorithms=+ssh-rsa", "-o", "PreferredAuthentications=publickey"]
    for kind, names in lists.items():
        options += ["-o", f"{KINDS[kind]}={','.join(names)}"]
    if key:
        options += ["-i", str(key)]
    if source:
        options += ["-b", source]
    return subprocess.run(["ssh", *options, *extra, "127.0.0.1", command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, check=False)


def last_words(done):
    return " / ".join(line for line in done.stderr.decode(errors="replace").splitlines() if not line.startswith("debug"))


def chosen(arguments):
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def logs_in(server, **arguments):
    done = ssh(server, **arguments)
    assert done.returncode == 0 and done.stdout == b"here\n", f"{chosen(arguments)}: status {done.returncode}: {last_words(done)}"


def is_refused(server, words, **arguments):
    done = ssh(server, **arguments)
    text = done.stderr.decode(errors="replace")
    assert done.returncode == 255, f"{chosen(arguments)}: status {done.returncode}, not refused"
    assert words in text, f"{chosen(arguments)}: without the words {words!r}: {last_words(done)}"
    return text


def effective(server):
    """keyword in lower case -> value, as `sallyportd -T` says it for everybody."""
    text = world.run(str(world.PROGRAMS / "monitor/sallyportd"), "-T", "-f", str(server.path))
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in text.splitlines()}
