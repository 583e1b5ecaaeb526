"""A peer for the interop test, on compactor, the pure-Python libprocess.

    compactor_peer.py UPID

It greets the process UPID, answers each of its messages, and prints what it hears, a line each.
"""

import sys

from compactor.context import Context
from compactor.pid import PID
from compactor.process import Process


def say(*words):
    print(*words, flush=True)


class Peer(Process):
    def __init__(self, other):
        super().__init__("peer(1)")
        self.other = other

    def initialize(self):
        self.link(self.other)
        self.send(self.other, "hello", b"from compactor")

    @Process.install("ping")
    def ping(self, from_pid, body):
        say("ping", from_pid, len(body))
        self.send(from_pid, "pong", body)

    @Process.install("empty")
    def empty(self, from_pid, body):
        say("empty", from_pid, len(body))
        self.send(from_pid, "pong")

    def exited(self, pid):
        say("exited", pid)


def main():
    context = Context(ip="127.0.0.1")
    context.start()
    peer = Peer(PID.from_string(sys.argv[1]))
    context.spawn(peer)
    say("ready", peer.pid)
    # It lives as long as its parent keeps the pipe open.
    sys.stdin.read()


main()
