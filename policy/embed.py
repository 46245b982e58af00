"""A policy as a C source: embed.py FILE NAME. The array is text that policy/builtin.h declares a file of."""

import sys

path, name = sys.argv[1:]
octets = open(path, "rb").read()
rows = [",".join(str(octet) for octet in octets[at:at + 24]) for at in range(0, len(octets), 24)]
print(f"""/* Made from {name}.policy by policy/embed.py. */
#include "policy/builtin.h"

static const uint8_t text[] = {{
    {(","+chr(10)+"    ").join(rows)}}};

const struct policy_file builtin_default = {{.name = (char *)"{name}", .text = {{.data = text, .size = sizeof text}}}};""")
