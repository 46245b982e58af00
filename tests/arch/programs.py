"""What a built program must not contain. A symbol that is not there cannot be reached by whoever takes the program over.

Undefined symbols are what a program takes from libraries; modern libc spells some of them in several ways (open64,
__open_2), which the patterns cover."""

import pathlib
import re
import subprocess

from suite import Skip

LIBC = {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libm.so.6", "libgcc_s.so.1", "linux-vdso.so.1"}
SANITIZERS = re.compile(r"lib(asan|ubsan|lsan|tsan)\.so")

OPENS = r"(__)?open(at)?(64)?(_2)?|fopen(64)?|creat(64)?|freopen(64)?|opendir|scandir(64)?|glob(64)?"
EXECUTES = r"exec[lv][pe]*|execvpe|fexecve|execveat|posix_spawnp?|system|popen|wordexp"
CONNECTS = r"socket|connect|bind|listen|accept4?|getaddrinfo|gethostby\w+"
LOOKS_UP_USERS = r"(get|set|end)(pw|gr|sp)(ent|nam|uid|gid)\w*|getgrouplist|initgroups"
CHANGES_USER = r"set(e|re|res)?[ug]id|setgroups|setfs[ug]id"
PAM = r"pam_\w+|misc_conv|audit_\w+"
TOKEN = r"p11_\w+|C_\w+"
CRYPTO = r"(EVP|RSA|EC|DH|BN|OSSL|ERR|RAND|HMAC|SHA\d*|CRYPTO|OPENSSL|d2i|i2d|X509|PEM|BIO|ASN1)_\w+"
SYSTEMD = r"sd_\w+"
LOADS = r"dlopen|dlmopen|dlsym"
JSON = r"json_\w+"
NETTLE = r"_?nettle_\w+"
GCRYPT = r"_?gcry_\w+"
ZLIB = r"(de|in)flate\w*|(un)?compress(2|Bound)?|gz\w+|adler32\w*|crc32\w*|zlib\w+"

# name -> (path in the build, libraries besides libc, forbidden symbols)
PROGRAMS = {
    # It looks users up for `sallyportd -T -C user=...` alone, in a process that serves nobody.
    "sallyportd": ("service/monitor", {"libsystemd.so.0", "libjansson.so.4", "libseccomp.so.2"},
                   (CRYPTO, NETTLE, GCRYPT, ZLIB, PAM, TOKEN, EXECUTES, LOADS, r"v?fork|clone")),
    "sallyport-signer": ("service/signer", {"libcrypto.so.3", "libseccomp.so.2"},
                         (NETTLE, GCRYPT, ZLIB, PAM, TOKEN, SYSTEMD, JSON, LOADS, LOOKS_UP_USERS)),
    "sallyport-token": ("service/token", {"libcrypto.so.3", "libp11-kit.so.0", "libseccomp.so.2"},
                        (NETTLE, GCRYPT, ZLIB, PAM, SYSTEMD, JSON, EXECUTES, LOOKS_UP_USERS, r"v?fork|clone", CONNECTS)),
    # The zygote forks, and loads modules and connects to the service manager as it starts; a worker's filter forbids all.
    "sallyport-worker": ("service/worker", {"libcrypto.so.3", "libnettle.so.8", "libgcrypt.so.20", "libseccomp.so.2",
                                            "libz.so.1"},
                         (PAM, TOKEN, SYSTEMD, JSON, EXECUTES, LOOKS_UP_USERS, r"bind|listen",
                          r"fopen(64)?|creat(64)?|opendir|scandir(64)?|glob(64)?")),
    "sallyport-session": ("service/session", {"libpam.so.0", "libaudit.so.1", "libseccomp.so.2"},
                          (CRYPTO, NETTLE, GCRYPT, ZLIB, TOKEN, SYSTEMD, JSON, LOADS, r"system|popen|wordexp",
                           r"bind|listen")),
    "sallyport-asuser": ("service/session", {"libcrypto.so.3", "libseccomp.so.2"},
                         (NETTLE, GCRYPT, ZLIB, PAM, TOKEN, SYSTEMD, JSON, EXECUTES, LOADS, CONNECTS, r"v?fork|clone")),
    "sallyport-launch": ("service/launch", {"libseccomp.so.2"},
                         (CRYPTO, NETTLE, GCRYPT, ZLIB, PAM, TOKEN, SYSTEMD, JSON, LOADS, r"system|popen|wordexp")),
    # The administrator's tool: a client of the control socket and of servers that it scans; no part of the server. It looks
    # up the signer's user, whom a child becomes before it loads a PKCS#11 module, and runs sallyportd -t. `metrics --serve`
    # listens, on a unix socket alone (ctl/metrics_serve.c).
    "sallyport": ("service/ctl", {"libcrypto.so.3", "libjansson.so.4", "libp11-kit.so.0", "libseccomp.so.2"},
                  (NETTLE, GCRYPT, ZLIB, PAM, SYSTEMD, r"system|popen|wordexp", LOADS)),
}


def program_path(build, name):
    path = pathlib.Path(build) / PROGRAMS[name][0] / name
    assert path.exists(), f"{path} is not built"
    return path


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def undefined_symbols(path):
    return sorted({line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", path).splitlines()})


def is_sanitized(path):
    return SANITIZERS.search(run("readelf", "-d", path)) is not None


def has_no_forbidden_symbol(build, name):
    path = program_path(build, name)
    if is_sanitized(path):
        raise Skip("a build with sanitizers brings symbols of its own")
    forbidden = re.compile("^(" + "|".join(PROGRAMS[name][2]) + ")$")
    found = [symbol for symbol in undefined_symbols(path) if forbidden.match(symbol)]
    assert not found, "it has " + ", ".join(found)


def loads_only_its_libraries(build, name):
    path = program_path(build, name)
    needed = set(re.findall(r"\(NEEDED\).*\[([^]]+)\]", run("readelf", "-d", path)))
    needed = {library for library in needed if not SANITIZERS.match(library)}
    more = needed - LIBC - PROGRAMS[name][1]
    assert not more, "it also loads " + ", ".join(sorted(more))


def is_hardened(build, name):
    """Position independent, read-only after relocation, bound at start, no executable stack."""
    path = program_path(build, name)
    assert "DYN" in run("readelf", "-h", path), "not position independent"
    dynamic, segments = run("readelf", "-d", path), run("readelf", "-lW", path)
    assert "BIND_NOW" in dynamic or "NOW" in dynamic, "not bound at start"
    assert "GNU_RELRO" in segments, "no GNU_RELRO"
    stack = [line for line in segments.splitlines() if "GNU_STACK" in line]
    assert stack and "RWE" not in stack[0], "executable stack"
