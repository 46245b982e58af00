"""Commands that need no server: JSON, the page for auditors, keys, signatures, configurations, captured clients."""

import html.parser
import pathlib
import re
import socket
import struct
import subprocess
import time
import xml.dom.minidom

import tool
import world
from suite import expect

WORK = world.STATE / "ctl"
COMMANDS = ("list", "show", "check", "diff", "explain", "running", "scan", "report")


# ---- every command ------------------------------------------------------------------------------------------------

def every_command_has_help():
    for command in COMMANDS:
        status, out, _ = tool.call("policy", command, "--help")
        assert status == 0 and out.startswith(f"usage: sallyport policy {command}") and "--json" in out, f"{command}: {out}"


def the_page_for_operators_names_commands_that_there_are():
    page = (tool.TOP / "packaging/man/sallyport-operations.7").read_text()
    named = set(re.findall(r"^(?:# |.*\| |\.Ql )sallyport ([a-z]+(?: [a-z][a-z-]*)*)", page, re.MULTILINE))
    assert len(named) > 10, named
    for command in sorted(named):
        status, out, _ = tool.call(*command.split(), "--help")
        assert status == 0 and out.startswith(f"usage: sallyport {command}"), f"{command}: {out[:80]}"


def an_unknown_command_is_misuse():
    expect(tool.call("polcy")[0], 2, "exit status")
    expect(tool.call("policy", "shwo")[0], 2, "exit status")
    expect(tool.call()[0], 2, "exit status")


def text_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([str(tool.path()), "policy", "show", "--all"], stdout=full, stderr=subprocess.DEVNULL,
                              check=False)
    expect(done.returncode, 255, "exit status")


def json_says_what_text_says():
    policy = tool.found("policy", "show", *tool.SMALL, "SITE")
    names = {row["keyword"]: [entry["name"] for entry in row["names"]] for row in policy["lists"]}
    expect(names["Ciphers"], ["aes256-gcm@openssh.com", "aes256-ctr", "aes128-ctr"], "Ciphers")
    expect(policy["rules"][0]["keyword"], "RequiredRSASize", "first rule")
    text = tool.call("policy", "show", *tool.SMALL, "SITE")[1]
    assert policy["digest"] in text and all(name in text for kind in names.values() for name in kind), "text lacks names"


# ---- the page -----------------------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    """Elements, and whatever could load something or run."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.loading, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset", "data", "action", "background") or name.startswith("on"):
                self.loading.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.text += data


def page_of(*arguments):
    status, out, error = tool.call("policy", "show", "--html", *arguments)
    assert status == 0, error
    xml.dom.minidom.parseString(out.split("\n", 1)[1])  # every element is closed, every attribute quoted
    return out, Page(out)


def the_page_is_whole_and_loads_nothing():
    text, page = page_of(*tool.SHIPPED, "--all", "COMPAT:PQ-ONLY")
    assert not page.loading, page.loading
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(page.elements), page.elements
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert "url(" not in style and "@import" not in style, "the style loads something"
    assert "prefers-color-scheme:dark" in style and "@media print" in style, "one style for all"
    for wanted in ("COMPAT:PQ-ONLY", "refused: no common key exchange method", "mlkem768x25519-sha256", "Sub-policies"):
        assert wanted in page.text, f"no {wanted}"


def the_page_has_every_client():
    page = page_of(*tool.SHIPPED, "--all", "DEFAULT")[1]
    clients = sorted((tool.TOP / "policy/clients").glob("*.client"))
    rows = page.elements.count("tr")
    assert rows > len(clients) and clients, f"{rows} rows"
    for client in clients:
        description = re.search(r'^Description "?([^"\n]*)', client.read_text(), re.M).group(1)
        assert description in page.text, f"no {description}"
    return f"{len(clients)} clients"


def the_page_escapes_what_files_say():
    text, page = page_of("--directory", "policies", "--all", "--clients-directory", "clients", "SITE")
    assert "<source>" not in text and "<that>" not in text, "a file's markup is the page's"
    assert 'a <source> & "more"' in page.text and "A client <that> does not" in page.text, "text is lost"
    assert "until 2199-12-31" in page.text, "an exception has no date"


def json_and_html_exclude_each_other():
    expect(tool.call("policy", "show", "--html", "--json")[0], 2, "exit status")


# ---- keys and signatures ------------------------------------------------------------------------------------------

def make_key(name, *options):
    path = WORK / f"key-{name}"
    world.run("ssh-keygen", "-q", "-N", "", "-C", name, "-f", str(path), *options)
    return path


def keys_that_the_policy_refuses_are_named():
    lines = [pathlib.Path(f"{make_key(name, *options)}.pub").read_text() for name, options in
             {"good": ["-t", "ed25519"], "small": ["-t", "rsa", "-b", "2048"], "large": ["-t", "rsa", "-b", "3072"],
              "curve": ["-t", "ecdsa", "-b", "256"]}.items()]
    file = WORK / "authorized_keys"
    file.write_text("# comment\n" + "".join(lines) + "cert-authority " + lines[0] + "cert-authority " + lines[2] +
                    'command="x y" ssh-ed25519 AAAA broken\n')
    keys = tool.found("policy", "check", *tool.SMALL, "SITE", "--keys", file, status=1)["keys"]
    expect([key["allowed"] for key in keys], [True, False, True, False, True, False, False], "verdicts")
    assert "RequiredRSASize" in keys[1]["why"] and "at least 3072" in keys[1]["why"], keys[1]
    assert "ecdsa-sha2-nistp256 is out" in keys[3]["why"], keys[3]
    assert "CASignatureAlgorithms" in keys[5]["why"], keys[5]
    fingerprint = world.run("ssh-keygen", "-lf", f"{WORK}/key-good.pub").split()[1]
    expect(keys[0]["fingerprint"], fingerprint, "fingerprint")


def sign(key, policy):
    world.run("ssh-keygen", "-q", "-Y", "sign", "-n", "sallyport-policy", "-f", str(key), str(policy))


def signatures_are_checked():
    key, other = make_key("signer", "-t", "ed25519"), make_key("other", "-t", "ed25519")
    trust, policy = WORK / "allowed_signers", WORK / "SIGNED.policy"
    trust.write_text(f"admin@site {pathlib.Path(f'{key}.pub').read_text()}")
    policy.write_text("Name SIGNED\nSerial 7\nInherit DEFAULT\nCiphers -aes128-*\n")
    check = ["policy", "check", "--all", policy, "--trust", trust]
    assert not tool.found(*check, status=1)["ok"], "unsigned, and good"
    sign(key, policy)
    signed = tool.found(*check)["signatures"]
    expect([(row["signer"], row["serial"]) for row in signed], [("admin@site", 7)], "signatures")
    policy.write_text(policy.read_text() + "MACs -hmac-sha1*\n")
    assert not tool.found(*check, status=1)["ok"], "changed behind its signature, and good"
    pathlib.Path(f"{policy}.sig").unlink()
    sign(other, policy)
    assert not tool.found(*check, status=1)["ok"], "signed by somebody else, and good"


# ---- configurations -----------------------------------------------------------------------------------------------

def configuration(*lines):
    path = WORK / "sallyport.conf"
    path.write_text("HostKey pkcs11:token=t;object=o\nPolicyDirectory " + str(tool.HERE / "policies") + "\n" +
                    "\n".join(lines) + "\n")
    return path


def check(*lines, status=0):
    return tool.found("policy", "check", "--all", "--config", configuration(*lines), status=status)


def a_configuration_is_checked_with_all_its_blocks():
    result = check("Policy SITE", "Ciphers -aes128-*", "Match Address 192.0.2.0/24", "Policy SITE:NARROW")
    expect(result["policies"], ["SITE", "SITE:NARROW"], "policies")
    problems = check("Policy SITE", "Match Address 192.0.2.0/24", "Policy DEFAULT", status=1)["problems"]
    assert problems and "line 5" in problems[0], problems
    problems = check("Policy SITE", "Ciphers +aes192-ctr", status=1)["problems"]
    assert problems and "aes192-ctr" in problems[0], problems
    problems = check("Policy SITE", "Chipers aes128-ctr", status=1)["problems"]
    assert "line 4" in problems[0], problems


def the_configurations_lists_count():
    conf = configuration("Policy SITE", "Ciphers -aes128-*")
    explained = tool.found("policy", "explain", "--all", "--config", conf, "aes128-ctr", status=1)
    assert f"{conf} line 4" in explained["lists"][0]["why"], explained


# ---- captured clients ---------------------------------------------------------------------------------------------

def receive(stream, size):
    data = stream.read(size)
    assert len(data) == size, "the client closed"
    return data


def capture_ssh(*options):
    """A real ssh's first packet, and what it prints about it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(["ssh", "-vv", "-F", "none", *options, "-o", "StrictHostKeyChecking=no",
                                    "-o", "UserKnownHostsFile=/dev/null", "-p", str(listener.getsockname()[1]),
                                    "x@127.0.0.1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as stream:
            peer.sendall(b"SSH-2.0-probe\r\n")
            stream.readline()
            header = receive(stream, 4)
            packet = header + receive(stream, struct.unpack(">I", header)[0])
            peer.sendall(packet)
            time.sleep(0.3)
            peer.shutdown(socket.SHUT_RDWR)
        return packet, process.communicate(timeout=20)[0]


def a_real_client_is_understood_in_every_form():
    packet, printed = capture_ssh("-c", "aes128-ctr,aes256-ctr", "-m", "hmac-sha2-512,hmac-sha2-256")
    payload = packet[5:-packet[4]]
    forms = {"payload": payload, "packet": packet, "hex": payload.hex(" ").encode(), "printed": printed}
    results = []
    for name, data in forms.items():
        path = WORK / f"capture-{name}"
        path.write_bytes(data)
        result = tool.found("policy", "explain", *tool.SMALL, "SITE", "--client", path)
        results.append([row["chosen"] for row in result["lists"]])
        expect(results[-1], results[0], f"result of {name}")
    expect(results[0][2:6], ["aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256"], "ciphers and MACs")
    result = tool.found("policy", "explain", *tool.SMALL, "SITE", "--client", "-", given=printed)
    assert result["identification"].startswith("SSH-2.0-OpenSSH"), result["identification"]


def what_is_no_capture_is_refused():
    for data in (b"", b"\x14", b"nothing of the kind", b"\x14" * 40000, b"debug2: local client KEXINIT proposal\n"):
        path = WORK / "no-capture"
        path.write_bytes(data)
        status, _, error = tool.call("policy", "explain", *tool.SMALL, "SITE", "--client", path)
        assert status == 255 and str(path) in error, f"{data[:20]}: {status} {error}"


def every_shipped_client_is_understood():
    for path in sorted((tool.TOP / "policy/clients").glob("*.client")):
        status, out, error = tool.call("policy", "explain", *tool.SHIPPED, "--all", "DEFAULT", "--client", path.stem)
        assert status in (0, 1) and out, f"{path.stem}: {error}"


def run(ctl):
    WORK.mkdir(exist_ok=True)
    for function in (every_command_has_help, the_page_for_operators_names_commands_that_there_are, an_unknown_command_is_misuse, text_that_cannot_be_written_is_a_failure,
                     json_says_what_text_says, the_page_is_whole_and_loads_nothing, the_page_has_every_client,
                     the_page_escapes_what_files_say, json_and_html_exclude_each_other,
                     keys_that_the_policy_refuses_are_named, signatures_are_checked,
                     a_configuration_is_checked_with_all_its_blocks, the_configurations_lists_count,
                     a_real_client_is_understood_in_every_form, what_is_no_capture_is_refused,
                     every_shipped_client_is_understood):
        ctl.run(function.__name__.replace("_", " "), function)
