#!/usr/bin/env python3
"""What the kernel said of the lab's sockets and what clients said themselves, as tables: connections.tsv, listeners.tsv and
words.tsv. Never reads a capture.

usage: truth.py OUT

OUT/log/trace is the text of a tracefs instance: the tracepoint sock:inet_sock_set_state with its fields. A socket is
followed through its states by its address in the kernel (skaddr). OUT/log/clock-offset leads from the trace's clock to that
of packets. Servers are known by the process that listens: OUT/log/listening.* of ss, and their names in OUT/log/servers.
"""
import json
import re
import struct
import sys

HOSTS = {"10.77.0.1": "srv", "10.77.0.2": "cli", "10.77.0.3": "plc"}
LINE = re.compile(r"^\s*(.+)-\d+\s+\[\d+\]\s+\S+\s+(\d+)\.(\d{6}): inet_sock_set_state: (.*)$")
FIELD = re.compile(r"(\w+)=0x([0-9a-f]+)")
ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE, LISTEN = 1, 2, 3, 7, 10
COLUMNS = (
    "step", "client_ip", "client_port", "client_program", "server_ip", "server_port", "server", "outcome", "start_ns"
)


def address(number):
    return ".".join(map(str, struct.pack("<I", number)))


class Truth:
    def __init__(self, clock_offset_ns, servers):
        # (address, port) to the name of the server that listens there.
        self.servers = servers
        self.clock_offset_ns = clock_offset_ns
        self.clients = []
        self.listeners = set()
        # (client address and port, server address and port) of accepted connections.
        self.accepted = set()
        self.by_socket = {}

    def read(self, lines):
        for line in lines:
            match = LINE.match(line)
            if not match:
                continue
            program, seconds, microseconds, rest = match.groups()
            time_ns = (int(seconds) * 10**6 + int(microseconds)) * 1000 + self.clock_offset_ns
            fields = {name: int(value, 16) for name, value in FIELD.findall(rest)}
            self.state(program.strip(), time_ns, fields)

    def state(self, program, time_ns, fields):
        old, new, socket = fields["oldstate"], fields["newstate"], fields["skaddr"]
        here = (address(fields["saddr"]), fields["sport"])
        there = (address(fields["daddr"]), fields["dport"])
        if new == LISTEN:
            self.listeners.add(here)
        elif (old, new) == (LISTEN, SYN_RECV):
            self.accepted.add((there, here))
        elif (old, new) == (CLOSE, SYN_SENT):
            connection = dict(program=program, here=here, there=there, start_ns=time_ns, established=False)
            self.clients.append(connection)
            self.by_socket[socket] = connection
        elif socket in self.by_socket:
            connection = self.by_socket[socket]
            # The socket has its own address and port only after its first state.
            connection["here"] = here if here[1] else connection["here"]
            connection["established"] |= new == ESTABLISHED
            if new == CLOSE:
                del self.by_socket[socket]

    def rows(self, steps):
        """Connections between the hosts: what a host says to itself never passes the bridge."""
        for one in self.clients:
            (client, client_port), (host, port) = one["here"], one["there"]
            if client == host or client not in HOSTS or host not in HOSTS:
                continue
            if one["established"] and (one["here"], one["there"]) not in self.accepted:
                raise SystemExit(f"the server's side of {one} is missing: the trace is not whole")
            outcome = "established" if one["established"] else "failed"
            step = [name for name, began_ns in steps if began_ns <= one["start_ns"]][-1]
            yield step, client, client_port, one["program"], host, port, self.servers.get((host, port), ""), outcome, one["start_ns"]

    def listening(self):
        return [(*at, self.servers.get(at, "")) for at in sorted(self.listeners) if not at[0].startswith("127.")]


def write(path, columns, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in (columns, *rows):
            print(*row, sep="\t", file=file)


def words(out, steps):
    """What the clients say that the mapper told them."""
    for step in steps:
        for line in open(f"{out}/log/{step}", encoding="utf-8"):
            if line.startswith("{"):
                said = json.loads(line)
                announced = re.search(r"\[(\d+)\]", said.get("announced", ""))
                yield step, said["service"], announced.group(1) if announced else "", said["reached"]


def servers(out):
    names = dict(line.split() for line in open(out + "/log/servers", encoding="utf-8"))
    found = {}
    for host in ("srv", "plc"):
        for line in open(f"{out}/log/listening.{host}", encoding="utf-8"):
            ip, port = line.split()[3].rsplit(":", 1)
            for process in re.findall(r"pid=(\d+)", line):
                if process in names:
                    found[ip, int(port)] = names[process]
    return found


def main(out):
    lost = re.findall(r"(?:overrun|dropped events): (\d+)", open(out + "/log/trace-stats", encoding="utf-8").read())
    if not lost or any(map(int, lost)):
        raise SystemExit(f"the kernel lost trace events: {lost}")
    truth = Truth(int(open(out + "/log/clock-offset", encoding="utf-8").read()), servers(out))
    truth.read(open(out + "/log/trace", encoding="utf-8", errors="replace"))
    if not truth.accepted:
        raise SystemExit("no connection in the trace: its text is not as expected")
    steps = [line.rstrip("\n").split("\t") for line in open(out + "/steps.tsv", encoding="utf-8")][1:]
    write(out + "/connections.tsv", COLUMNS, truth.rows([(step[0], int(step[4])) for step in steps]))
    write(out + "/listeners.tsv", ("ip", "port", "server"), truth.listening())
    write(out + "/words.tsv", ("step", "service", "port", "reached"), words(out, ("rpc.impacket", "blocked.impacket")))


if __name__ == "__main__":
    main(sys.argv[1])
