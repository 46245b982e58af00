"""Outputs that were read and found right."""

import tool
from suite import expect

CLIENTS = ["--clients-directory", "clients"]

IMPORT = ["config", "import", "--root", "import/root"]

# name -> the command line
CONFIGURATIONS = {
    "import_debian": [*IMPORT, "import/debian.conf"],
    "import_hardened": [*IMPORT, "import/hardened.conf"],
    "import_match": [*IMPORT, "import/match.conf"],
    "import_nasty": IMPORT,
    "import_match_json": [*IMPORT, "import/match.conf", "--json"],
    "import_malformed": [*IMPORT, "import/malformed.conf"],
    "import_no_such": [*IMPORT, "import/none.conf"],
    "usage_config": ["config"],
    "usage_import": [*IMPORT, "a", "b"],
}

# name -> the command line behind "policy"
OUTPUTS = {
    "list": ["list", "--directory", "policies"],
    "show": ["show", *tool.SMALL, "SITE"],
    "show_sub_policy": ["show", *tool.SMALL, "SITE:NARROW"],
    "show_token": ["show", *tool.SMALL, "--token", "rsa", "SITE"],
    "show_json": ["show", *tool.SMALL, "SITE:NARROW", "--json"],
    "check": ["check", *tool.SMALL, "SITE"],
    "check_empty": ["check", *tool.SMALL, "bad/EMPTY.policy"],
    "check_expired": ["check", *tool.SMALL, "bad/EXPIRED.policy"],
    "check_loop": ["check", *tool.SMALL, "bad/LOOP.policy"],
    "check_misspelled": ["check", *tool.SMALL, "bad/MISSPELLED.policy"],
    "check_orphan": ["check", *tool.SMALL, "bad/ORPHAN.policy"],
    "check_unknown": ["check", *tool.SMALL, "bad/UNKNOWN.policy"],
    "check_no_such": ["check", *tool.SMALL, "SITTE"],
    "diff": ["diff", *tool.SMALL, "SITE", "NEXT"],
    "diff_same": ["diff", *tool.SMALL, "SITE", "SITE"],
    "diff_json": ["diff", *tool.SMALL, "SITE", "SITE:NARROW", "--json"],
    "explain_in": ["explain", *tool.SMALL, "SITE", "aes256-ctr"],
    "explain_removed": ["explain", *tool.SMALL, "SITE", "ecdh-sha2-nistp256"],
    "explain_exception": ["explain", *tool.SMALL, "SITE", "diffie-hellman-group14-sha256"],
    "explain_never_named": ["explain", *tool.SMALL, "SITE", "aes192-ctr"],
    "explain_not_in_build": ["explain", *tool.SMALL, "SITE", "curve448-sha512"],
    "explain_no_key": ["explain", *tool.SMALL, "--token", "rsa", "SITE", "ssh-ed25519"],
    "explain_unknown": ["explain", *tool.SMALL, "SITE", "aes128-crt"],
    "explain_client": ["explain", *tool.SMALL, *CLIENTS, "SITE", "--client", "modern"],
    "explain_client_refused": ["explain", *tool.SMALL, *CLIENTS, "SITE", "--client", "old"],
    "explain_client_exception": ["explain", *tool.SMALL, *CLIENTS, "SITE", "--client", "old", "--address", "192.0.2.7"],
    "explain_client_by_rule": ["explain", *tool.SMALL, "SITE:NARROW", "--client", "clients/old.client"],
    "explain_no_such_client": ["explain", *tool.SMALL, *CLIENTS, "SITE", "--client", "newest"],
    "usage": [],
    "usage_command": ["diff", "--directory", "policies", "SITE"],
    "usage_option": ["list", "--clients-directory", "x"],
    "usage_token": ["show", *tool.SMALL, "--token", "dsa"],
    "help": ["explain", "--help"],
}


def output(name):
    words = CONFIGURATIONS[name] if name in CONFIGURATIONS else ["policy", *OUTPUTS[name]]
    status, out, error = tool.call(*words)
    return f"{out}{error}status {status}\n"


def file_of(name):
    return tool.HERE / "golden" / f"{name}.txt"


def is_as_it_was(name):
    wanted, actual = file_of(name).read_text(), output(name)
    for number, (one, other) in enumerate(zip(wanted.splitlines(), actual.splitlines()), 1):
        assert one == other, f"line {number} is {other!r}, not {one!r}"
    expect(actual, wanted, "output")


def nothing_is_left_over():
    expect(sorted(path.stem for path in (tool.HERE / "golden").iterdir()), sorted([*OUTPUTS, *CONFIGURATIONS]), "files in golden/")


def update():
    for name in [*OUTPUTS, *CONFIGURATIONS]:
        file_of(name).write_text(output(name))
    return 0


def run(ctl):
    for name in [*OUTPUTS, *CONFIGURATIONS]:
        ctl.run(f"golden {name}", is_as_it_was, name)
    ctl.run("golden outputs that no test reads", nothing_is_left_over)
