"""The layer table and the places of third-party headers, as data. service/DESIGN.md has the same in prose."""

import re

# layer -> the layers whose headers it may use, besides its own.
LAYERS = {
    "include": (),
    "service/base": ("include",),
    "service/ipc": ("include", "service/base"),
    "policy": ("include", "service/base", "modules/registry.def"),
    "service/config": ("include", "service/base", "policy"),
}
# The registry is a declaration that all programs derive names from; the modules themselves are reached through include/.
PROGRAM = ("include", "service/base", "service/ipc", "service/config", "policy", "modules/registry.def")
MODULE = ("include", "modules/common", "modules/registry.def")


# Single files of another program: the tool judges keys, PINs and URIs by what the signer judges by.
SHARED = {
    "service/ctl": {f"service/signer/{name}.h" for name in ("algorithm", "host_certificate", "pin_source", "plan", "proof",
                                                            "refused", "uri")},
}


def may_include(layer, target):
    if layer == target:
        return True
    if layer in LAYERS:
        return target in LAYERS[layer]
    if layer.startswith("modules"):
        return target in MODULE
    return target in PROGRAM


# pattern of a header's name, prefixes of the files that may include it
THIRD_PARTY = (
    (r"openssl/", ("modules/", "service/base/secret.c")),
    (r"p11-kit/", ("modules/hostkey/",)),
    (r"nettle/", ("modules/mac/",)),
    (r"gcrypt\.h", ("modules/kex/sntrup761_gcrypt.c",)),
    (r"libaudit\.h", ("service/session/audit.c",)),
    (r"security/", ("service/session/", "modules/auth/")),
    (r"systemd/", ("service/monitor/", "service/base/")),
    (r"jansson\.h", ("service/monitor/", "service/ctl/")),
    (r"seccomp\.h", ("service/base/", "service/worker/", "service/signer/", "service/token/", "service/session/",
                     "service/monitor/", "service/launch/", "modules/hostkey/")),
    (r"zlib\.h", ("modules/compression/",)),
)

# Files and folders that may name a key exchange method.
NAME_KEY_EXCHANGES = ("modules/registry.def", "modules/kex", "policy", "tests", "packaging")

LIBC = re.compile(
    r"^(assert|ctype|dirent|dlfcn|endian|errno|fcntl|fnmatch|getopt|glob|grp|ifaddrs|inttypes|libgen|limits|link|locale|"
    r"math|netdb|poll|pty|pwd|sched|search|shadow|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|"
    r"stdlib|string|strings|syslog|termios|threads|pthread|time|unistd|utime|utmp|wchar|malloc|byteswap|crypt)\.h$"
    r"|^(sys|arpa|net|netinet|linux|asm|bits)/")


def is_libc(name):
    return LIBC.match(name) is not None


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|not implemented|unimplemented)\b")
