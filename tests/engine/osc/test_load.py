"""Many messages, many jobs, many clients: all answered, in order, each to its own. Full sizes: benchmarks/osc.py."""

from __future__ import annotations

import os
import socket
import threading

import pytest
from oscfuzz import mutated
from oschelp import LIMIT_S, packed

from engine.osc import BridgeClient


def test_every_ping_of_a_burst_is_answered(caller):
    count = 300  # as many as fit into the smallest receive buffer a system gives
    for number in range(count):
        caller.say("/fluxstem/ping", str(number))
    assert [caller.next() for _ in range(count)] == [("/fluxstem/pong", str(number)) for number in range(count)]


def test_between_fuzz_every_ping_is_answered_and_nothing_is_left_open(caller, new_caller):
    def handles() -> int:
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    thrower = new_caller()  # another one, for a packet may send the replies to its sender elsewhere
    caller.ask("/fluxstem/ping", "warm")
    before = handles()
    for number, packet in enumerate(mutated(1500, seed=2)):
        if b"/fluxstem/dump" not in packet:
            thrower.throw(packet)
        if number % 50 == 0:
            wanted = packed("/fluxstem/pong", f"between {number}")
            caller.say("/fluxstem/ping", f"between {number}")
            caller.socket.settimeout(LIMIT_S)
            while caller.socket.recv(65536) != wanted:
                pass
    caller.say("/fluxstem/sync", "end of fuzz")
    caller.socket.settimeout(LIMIT_S)
    while caller.socket.recv(65536) != packed("/fluxstem/synced", "end of fuzz"):
        pass
    assert handles() <= before + 6


def test_forty_jobs_are_done_in_the_order_they_were_asked_in(caller, mix):
    names = [f"job {number}" for number in range(40)]
    for name in names:
        caller.say("/fluxstem/isolate", name, str(mix), "bass")
    assert [caller.until("/fluxstem/done", "/fluxstem/fail")[:2] for _ in names] == [
        ("/fluxstem/done", name) for name in names
    ]


def test_more_jobs_than_the_queue_holds_are_refused_and_the_others_stay(caller, mix, monkeypatch):
    monkeypatch.setattr("engine.osc.job_queue.QUEUE_LIMIT", 3)
    for number in range(5):
        caller.say("/fluxstem/isolate", f"job {number}", str(mix), "bass")
    ends = [caller.until("/fluxstem/done", "/fluxstem/fail") for _ in range(5)]
    assert {end[1] for end in ends if end[0] == "/fluxstem/done"} >= {"job 0", "job 1", "job 2"}
    assert all(end[2] == "full" for end in ends if end[0] == "/fluxstem/fail")
    assert any(end[0] == "/fluxstem/fail" for end in ends)


@pytest.mark.parametrize("tcp", [False, True])
def test_twenty_clients_at_once_get_each_their_own(bridge, mix, tcp):
    port = bridge.state.tcp_port if tcp else bridge.state.udp_port
    right: list[bool] = []

    def work(number: int) -> None:
        with BridgeClient(port=port, tcp=tcp, patience_s=LIMIT_S) as client:
            jobs = [client.start("isolate", str(mix), "bass", id=f"{number}-{job}") for job in range(2)]
            made = [client.wait(job) for job in jobs]
            right.append([one.id for one in made] == jobs)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 20


def test_a_client_that_hangs_up_amid_its_job_does_not_matter(bridge, caller, mix):
    for number in range(10):
        with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
            packet = packed("/fluxstem/isolate", f"gone {number}", str(mix), "bass")
            line.sendall(len(packet).to_bytes(4, "big") + packet)
    caller.say("/fluxstem/isolate", "mine", str(mix), "bass")
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[:2] == ("/fluxstem/done", "mine")
