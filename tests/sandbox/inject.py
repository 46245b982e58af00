"""Makes a running process try a system call: what somebody would do who has taken it over. By ptrace(2), as root, from
outside, so that nothing of it is in the product. x86-64 only."""

import ctypes
import os
import platform
import re
import signal

from suite import Skip

PTRACE_CONT, PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_ATTACH, PTRACE_DETACH = 7, 12, 13, 16, 17
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax",
        "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs")]


# name -> (number, arguments). Pointers are 1: a filter sees no memory, and the call must not get so far as to look.
CALLS = {
    "open": (2, (1, 0, 0)),
    "openat": (257, (1, 1, 0)),
    "execve": (59, (1, 0, 0)),
    "execveat": (322, (0, 1, 0, 0, 0)),
    "fork": (57, ()),
    "clone": (56, (17, 0, 0, 0, 0)),
    "clone3": (435, (1, 64)),
    "socket": (41, (2, 1, 0)),
    "connect": (42, (0, 1, 16)),
    "bind": (49, (0, 1, 16)),
    "accept": (43, (0, 0, 0)),
    "socketpair": (53, (1, 1, 0, 1)),
    "kill": (62, (1, 9)),
    "ptrace": (101, (16, 1, 0, 0)),
    "process_vm_readv": (310, (1, 1, 1, 1, 1, 0)),
    "executable mmap": (9, (0, 4096, 5, 0x22, 2 ** 64 - 1, 0)),
    "executable mprotect": (10, (4096, 4096, 5)),
    "prctl": (157, (4, 1, 0, 0, 0)),
    "setuid": (105, (0,)),
    "unshare": (272, (0x10000000,)),
    "mount": (165, (1, 1, 1, 0, 0)),
    "chroot": (161, (1,)),
    "bpf": (321, (0, 1, 64)),
    "io_uring_setup": (425, (8, 1)),
    "userfaultfd": (323, (0,)),
    "keyctl": (250, (0, 0, 0, 0, 0)),
    "perf_event_open": (298, (1, 0, 0, 0, 0)),
    "memfd_create": (319, (1, 0)),
    "dup": (32, (0,)),
    "ioctl TIOCSTI": (16, (0, 0x5412, 1)),
    "fcntl F_SETOWN": (72, (0, 8, 1)),
}


def require():
    if platform.machine() != "x86_64":
        raise Skip("system calls are made for x86-64 only")


def ptrace(request, pid, data=None):
    if LIBC.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}: {os.strerror(ctypes.get_errno())}")


def syscall_instruction(pid):
    """The address of a `syscall` in the process's libc."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r-xp .*libc[.-]", line)
            if found:
                start, end = (int(word, 16) for word in found.groups())
                memory.seek(start)
                at = memory.read(end - start).find(b"\x0f\x05")
                if at >= 0:
                    return start + at
    raise OSError("no libc in the process")


def attach(pid):
    try:
        ptrace(PTRACE_ATTACH, pid)
    except OSError as why:
        raise Skip(f"this machine does not let root trace: {why}") from why
    os.waitpid(pid, 0x40000000)  # __WALL


def call(pid, name):
    """Has the process make the call; returns the signal that it died of, or None if it lived."""
    number, arguments = CALLS[name]
    attach(pid)
    registers = Registers()
    ptrace(PTRACE_GETREGS, pid, ctypes.addressof(registers))
    registers.rip, registers.rax, registers.orig_rax = syscall_instruction(pid), number, 2 ** 64 - 1
    for register, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), (*arguments, 0, 0, 0, 0, 0, 0)):
        setattr(registers, register, value)
    ptrace(PTRACE_SETREGS, pid, ctypes.addressof(registers))
    ptrace(PTRACE_CONT, pid)
    return outcome(pid)


def outcome(pid):
    while True:
        _, status = os.waitpid(pid, 0x40000000)
        if os.WIFSIGNALED(status):
            return signal.Signals(os.WTERMSIG(status)).name
        if os.WIFEXITED(status):
            return None
        # It lived through the call and is stopped at whatever came next: it was not killed for the call.
        if os.WIFSTOPPED(status) and os.WSTOPSIG(status) != signal.SIGSYS:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0x40000000)
            return None
        ptrace(PTRACE_CONT, pid, os.WSTOPSIG(status))
