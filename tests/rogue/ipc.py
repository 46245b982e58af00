"""The internal protocol for tests that play one of the programs: rows read from service/ipc/messages.def itself, so
that a test can never know another protocol than the one that is built."""

import array
import os
import re
import socket
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SCALARS = {"U8": ">B", "U16": ">H", "U32": ">I", "U64": ">Q", "BOOL": ">B"}
PHASES = ["START", "READY", "AUTH", "LOGIN", "CLOSING"]


class Row:
    def __init__(self, name, number, sender, receiver, phases, descriptors):
        self.name, self.number, self.sender, self.receiver = name, int(number), sender, receiver
        self.phases = set(PHASES) if "ANY" in phases else set(re.findall(r"PHASE_(\w+)", phases))
        self.descriptors = int(descriptors)
        self.fields = []  # (type, name, limit)


def rows_read():
    text = open(os.path.join(TOP, "service/ipc/messages.def")).read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    rows, row = {}, None
    for line in text.splitlines():
        line = line.strip()
        match = re.match(r"MESSAGE\((\w+), (\d+), ROLE_(\w+), ROLE_(\w+), (.+), (\d+)\)$", line)
        if match:
            row = Row(*match.groups())
            rows[row.name] = row
            continue
        match = re.match(r"(U8|U16|U32|U64|BOOL|BYTES|TEXT)\((\w+)(?:, (\d+))?\)$", line)
        if match:
            kind, name, limit = match.groups()
            row.fields.append((kind, name, int(limit or 0)))
    assert len(rows) > 40, "messages.def could not be read"
    return rows


ROWS = rows_read()
BY_NUMBER = {row.number: row for row in ROWS.values()}


def string(data):
    if isinstance(data, str):
        data = data.encode()
    return struct.pack(">I", len(data)) + data


def mpint(number):
    size = (number.bit_length() + 8) // 8 if number else 0
    return string(number.to_bytes(size, "big"))


def fields_encode(name, /, **values):
    """The body of a message; absent fields are zero or empty. Limits are not checked: a test may want to break them."""
    out = b""
    row = ROWS[name]
    unknown = set(values) - {field for _, field, _ in row.fields}
    assert not unknown, f"{name} has no field {unknown}"
    for kind, field, _ in row.fields:
        value = values.get(field, b"" if kind in ("BYTES", "TEXT") else 0)
        out += string(value) if kind in ("BYTES", "TEXT") else struct.pack(SCALARS[kind], int(value))
    return out


def encode(name, /, **values):
    return struct.pack(">H", ROWS[name].number) + fields_encode(name, **values)


def fields_decode(name, data):
    values = {}
    for kind, field, _ in ROWS[name].fields:
        if kind in SCALARS:
            size = struct.calcsize(SCALARS[kind])
            (values[field],) = struct.unpack(SCALARS[kind], data[:size])
        else:
            (length,) = struct.unpack(">I", data[:4])
            size = 4 + length
            values[field] = data[4:size]
        data = data[size:]
    assert not data, f"{name}: trailing bytes"
    return values


class Message:
    def __init__(self, name, values, fds):
        self.name, self.fds = name, fds
        self.__dict__.update({"v_" + key: value for key, value in values.items()})
        self.values = values

    def __repr__(self):
        return f"<{self.name} {self.values}>"


class Closed(Exception):
    """The peer has closed the link."""


class Link:
    def __init__(self, sock):
        self.sock = sock

    def send_bytes(self, data, fds=()):
        try:
            if fds:
                self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
            else:
                self.sock.send(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed() from error

    def send(self, name, /, fds=(), **values):
        self.send_bytes(encode(name, **values), fds)

    def receive(self, timeout=10.0):
        """The next message; Closed at the end, TimeoutError when nothing comes."""
        self.sock.settimeout(timeout)
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 1 << 17, 8)
        except ConnectionResetError as error:
            raise Closed() from error
        if not data and not fds:
            raise Closed()
        row = BY_NUMBER[struct.unpack(">H", data[:2])[0]]
        return Message(row.name, fields_decode(row.name, data[2:]), fds)

    def close(self):
        self.sock.close()
