"""A listening socket inside another process's network namespace, held by this one outside it."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
NS_GET_USERNS = 0xB701  # linux/nsfs.h
WAITING = 128


def listen_inside(pid: int, port: int) -> socket.socket:
    """A socket belongs to the namespace it was made in, whoever holds it. Another process goes in and
    makes it, since who enters a user namespace does not come back. Call it before any thread is started.
    """
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            _enter(pid)
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
                door.bind(("127.0.0.1", port))
                door.listen(WAITING)
                socket.send_fds(there, [b"d"], [door.fileno()])
        except OSError as exc:
            there.send(str(exc).encode()[:200])
        finally:
            os._exit(0)
    there.close()
    with here:
        said, descriptors, _flags, _address = socket.recv_fds(here, 256, 1)
    os.waitpid(child, 0)
    if not descriptors:
        raise OSError(f"no way into the job's network: {said.decode(errors='replace')}")
    door = socket.socket(fileno=descriptors[0])
    door.setblocking(False)
    return door


def _enter(pid: int) -> None:
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        _setns(network, CLONE_NEWNET)
    except PermissionError:
        # Not root: the user namespace that this network belongs to was made by this very user.
        _setns(fcntl.ioctl(network, NS_GET_USERNS), CLONE_NEWUSER)
        _setns(network, CLONE_NEWNET)


def _setns(descriptor: int, kind: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
