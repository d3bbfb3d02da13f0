#!/usr/bin/env python3
"""Runs `portproof meter` and other meters on the same captures, and prints how they compare (Markdown).

DIR holds what `make-captures.sh` of the benchmark generator makes. The generator lives outside of this repository
(../shared/bench): it needs some gigabytes of room, and real captures under another licence.

  mix.pcap      3.6 million packets of real sizes and protocols, 239,599 flows; mix.pcapng holds the same
  small.pcap    10 million packets of 80 bytes over 200,000 flows that all live at once
  many.pcap     5 million flows of one to three packets, as a scan makes them
  slice.pcap    the first 100,000 packets of mix, to try this script (--only slice)

All programs take turns (A B C A B C), so that a machine that slows down slows all of them; medians are shown. CPU is
user and system time of a program and its children. Absolute seconds belong to the machine: the ratios are what counts.
Of the others, those are run that are installed (Debian: wireshark-common tshark tcpdump nfdump softflowd argus-server
libndpi-bin).
"""

import argparse
import datetime
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- peers: begin, written by scripts/peers.py -->", "<!-- peers: end -->"
MIB = 1 << 20
ADDRESS_SPACE_BYTES = 16 << 30  # A program that wants more memory than this fails.
THREADS = (1, 2)

# Flows that live at once, as far as known; in `many` the cap of portproof keeps them down.
CAPTURES = {"mix": 239_599, "small": 200_000, "many": 1_000_000, "slice": None}
PAYLOAD_POOL_MIB = 64

# What is asked for: the least that counts, and the goal.
LESS_CPU = {
    ("mix", "nfpcapd"): (1.5, 2.2),
    ("small", "nfpcapd"): (5, 9),
    ("many", "nfpcapd"): (3.5, 6),
    ("mix", "ndpiReader"): (5, 8),
    ("small", "ndpiReader"): (9, 18),
    ("mix", "tshark"): (22, 40),
}
PCAPNG_CPU = (1.3, 1.15)
TWO_THREADS_FASTER = {"mix": (1.2, 1.6), "small": (1.5, 1.6)}


def allowed_mib(live_flows):
    """Peak memory in MiB: the most that counts, and the goal. The payload pool comes on top."""
    return 128 + 256 * live_flows / MIB, 64 + 200 * live_flows / MIB


@dataclass(frozen=True)
class Peer:
    """Another program: what it does, how to run it on {capture} with a folder {scratch}, how to learn its version."""

    name: str
    does: str
    command: str
    version: str


PEERS = [
    Peer("capinfos", "reads only", "capinfos -c {capture}", "capinfos --version"),
    Peer("tcpdump", "reads, writes nowhere", "tcpdump -r {capture} -w /dev/null", "tcpdump --version"),
    Peer("nfpcapd", "flows to files", "nfpcapd -r {capture} -w {scratch}", "nfpcapd -V"),
    # Without `-c none` it waits for somebody to talk to; without -X argus takes options from its configuration.
    Peer("softflowd", "flows, writes nothing", "softflowd -r {capture} -c none", "softflowd -h"),
    Peer("argus", "flows to a file", "argus -X -r {capture} -w {scratch}/argus", "argus -h"),
    Peer("ndpiReader", "flows, labels by payload", "ndpiReader -q -v 0 -i {capture}", "ndpiReader -h"),
    Peer("tshark", "conversations", "tshark -r {capture} -q -z conv,tcp -z conv,udp", "tshark --version"),
]


@dataclass
class Runs:
    """What was measured of one program on one capture; `trouble` says why there is nothing more."""

    cpu_s: list = field(default_factory=list)
    wall_s: list = field(default_factory=list)
    peak_mib: list = field(default_factory=list)
    trouble: str = ""

    def median(self, what):
        return None if self.trouble or not self.cpu_s else statistics.median(getattr(self, what))

    def cell(self):
        if self.trouble or not self.cpu_s:
            return self.trouble or "not run"
        cpu_s, wall_s, peak_mib = map(self.median, ("cpu_s", "wall_s", "peak_mib"))
        return f"{cpu_s:.2f} s / {wall_s:.2f} s / {peak_mib:.0f} MiB"


# --- Running ---------------------------------------------------------------------------------------------------------


def run(command, runs, limit_s):
    """Runs a command once, and notes what it took."""
    with tempfile.TemporaryDirectory(prefix="peers-") as scratch, tempfile.TemporaryFile() as stderr:
        words = [word.replace("{scratch}", scratch) for word in command]
        begin = time.monotonic()
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES)),
        )
        too_long = threading.Event()

        def stop():
            too_long.set()
            os.killpg(child.pid, 9)

        timer = threading.Timer(limit_s, stop)
        timer.start()
        # Only wait4 tells what this child took, and not all children together. Its peak memory is never below this
        # script's own, some 15 MiB.
        _, status, used = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        if too_long.is_set():
            runs.trouble = f"more than {limit_s:g} s"
        elif child.returncode != 0:
            runs.trouble = f"failed ({ending(child.returncode, used)})"
            stderr.seek(0)
            tell(stderr.read()[-500:].decode(errors="replace").strip())
        runs.cpu_s.append(used.ru_utime + used.ru_stime)
        runs.wall_s.append(time.monotonic() - begin)
        runs.peak_mib.append(used.ru_maxrss / 1024)


def ending(code, used):
    """How a program that failed ended, and how much memory it had by then: the limit is a likely reason."""
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    return f"{how} with {used.ru_maxrss / MIB:.1f} of {ADDRESS_SPACE_BYTES >> 30} GiB"


def commands(options, capture):
    """Programs to run on a capture, by name: lists of words. A peer that is not installed has none."""
    found = {}
    pcapng = options.directory / f"{capture}.pcapng"
    files = [("", options.directory / f"{capture}.pcap"), (", pcapng", pcapng)]
    for suffix, file in files:
        for threads in THREADS if file.exists() else ():
            meter = [str(options.portproof), "-q", "meter", str(file), "-o", "{scratch}/store"]
            found[own_name(threads) + suffix] = [*meter, "--threads", str(threads)]
    for peer in options.peers:
        words = [word.replace("{capture}", str(files[0][1])) for word in peer.command.split()]
        found[peer.name] = words if shutil.which(words[0]) else None
    return found


def own_name(threads):
    return f"portproof, {threads} thread" + ("s" if threads > 1 else "")


def measured(options, capture):
    """Runs everything on one capture, in turn."""
    # Nobody shall be the one who waits for the disk.
    for file in options.directory.glob(f"{capture}.pcap*"):
        with open(file, "rb") as opened:
            while opened.read(MIB):
                pass
    to_run = commands(options, capture)
    results = {name: Runs(trouble="" if words else "not installed") for name, words in to_run.items()}
    for number in range(options.runs):
        for name, words in to_run.items():
            if not results[name].trouble:
                run(words, results[name], options.limit_seconds)
                outcome = results[name].trouble or f"{results[name].cpu_s[-1]:.2f} s"
                tell(f"{capture}, run {number + 1}: {name}: {outcome}")
    return results


# --- Telling ---------------------------------------------------------------------------------------------------------


def tell(text):
    print(text, file=sys.stderr)


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def reached(value, least, goal, more_is_better=True):
    """Whether a value is good enough, in a word."""
    if value is None:
        return "not known"
    good = (lambda limit: value >= limit) if more_is_better else (lambda limit: value <= limit)
    return "goal" if good(goal) else "yes" if good(least) else "**no**"


def ratio(of, to):
    return of / to if of is not None and to else None


def times(value):
    return "–" if value is None else f"{value:.2f}×"


def programs(results):
    """CPU, wall and memory of every program on every capture."""
    does = {peer.name: f"{peer.name} ({peer.does})" for peer in PEERS}
    names = list(dict.fromkeys(name for runs in results.values() for name in runs))

    def cells(name):
        return [runs[name].cell() if name in runs else "" for runs in results.values()]

    rows = [[does.get(name, name), *cells(name)] for name in names]
    return table(["CPU / wall / peak memory", *results], rows)


def against_peers(results):
    """How much less CPU portproof takes, on one thread and on two. The worse one counts."""
    rows = []
    for capture, runs in results.items():
        for peer in (peer.name for peer in PEERS if peer.name in runs):
            theirs = runs[peer].median("cpu_s")
            ratios = [ratio(theirs, runs[own_name(threads)].median("cpu_s")) for threads in THREADS]
            wanted = LESS_CPU.get((capture, peer))
            what = f"{capture}, against {peer}"
            if wanted is None:
                rows.append([what, "", "", *map(times, ratios), ""])
            else:
                worse = None if None in ratios else min(ratios)
                rows.append([what, *map(times, wanted), *map(times, ratios), reached(worse, *wanted)])
    return table(["less CPU", "to resolve", "goal", "1 thread", "2 threads", "reached"], rows)


def memory(results):
    rows = []
    for capture, runs in results.items():
        if CAPTURES[capture] is None:
            continue
        least, goal = allowed_mib(CAPTURES[capture])
        for threads in THREADS:
            peak_mib = runs[own_name(threads)].median("peak_mib")
            word = reached(peak_mib, least, goal, more_is_better=False)
            if peak_mib is not None and least < peak_mib <= least + PAYLOAD_POOL_MIB:
                word = "with the pool"
            shown = "–" if peak_mib is None else f"{peak_mib:.0f} MiB"
            live = f"{CAPTURES[capture]:,}"
            rows.append([f"{capture}, {threads}", live, f"{least:.0f} MiB", f"{goal:.0f} MiB", shown, word])
    return table(["peak memory, threads", "live flows", "to resolve", "goal", "measured", "reached"], rows)


def against_itself(results):
    """pcapng against pcap, two threads against one."""
    rows = []
    for capture, runs in results.items():
        for threads in THREADS:
            name = own_name(threads)
            if f"{name}, pcapng" in runs:
                cpu = ratio(runs[f"{name}, pcapng"].median("cpu_s"), runs[name].median("cpu_s"))
                least, goal = PCAPNG_CPU
                what = f"{capture}: CPU, pcapng against pcap; {name}"
                word = reached(cpu, least, goal, more_is_better=False)
                rows.append([what, f"≤ {least}×", f"≤ {goal}×", times(cpu), word])
        faster = ratio(*(runs[own_name(threads)].median("wall_s") for threads in THREADS))
        what = f"{capture}: wall, one thread against two"
        wanted = TWO_THREADS_FASTER.get(capture)
        if wanted is None:
            rows.append([what, "", "", times(faster), ""])
        else:
            rows.append([what, *map(times, wanted), times(faster), reached(faster, *wanted)])
    return table(["portproof against itself", "to resolve", "goal", "measured", "reached"], rows)


def version(command):
    """The first thing in a program's answer that looks like a version."""
    words = command.split()
    if not shutil.which(words[0]):
        return "not installed"
    answer = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    found = re.search(rb"\d+\.\d+[\d.]*", answer.stdout + answer.stderr)
    return found.group().decode().rstrip(".") if found else "version not told"


def conditions(options, load):
    """On what, with what and how this was measured. No name of the machine, no paths."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    size_mib = options.portproof.stat().st_size / MIB
    others = ", ".join(f"{peer.name} {version(peer.version)}" for peer in options.peers)
    return "\n".join(
        [
            f"{datetime.date.today()}, {cpu.group(1).strip() if cpu else 'processor not told'}, "
            f"{len(os.sched_getaffinity(0))} processors, {memory_gib:.0f} GiB, Linux {os.uname().release}; "
            f"load before: {load:.1f}.",
            f"Medians of {options.runs} runs in turn; each stopped after {options.limit_seconds:g} s "
            f"or at {ADDRESS_SPACE_BYTES >> 30} GiB.",
            f"portproof {version(f'{options.portproof} --version')} ({options.build}, {size_mib:.1f} MiB), "
            "all recognisers and followers, Parquet written.",
            f"{others or 'No other programs'}.",
        ]
    )


def checked_out():
    """The commit of this tree."""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() or "commit not known"


def report(options, results, load):
    return "\n\n".join(
        [
            conditions(options, load),
            programs(results),
            "How many times portproof's CPU the others take; the worse of one thread and two has to reach the goal:",
            against_peers(results),
            f"Peak memory; the payload pool, at most {PAYLOAD_POOL_MIB} MiB, is allowed on top:",
            memory(results),
            against_itself(results),
        ]
    )


def write(text):
    """Puts the text between the marks of the page."""
    page = PAGE.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"peers: {PAGE.relative_to(ROOT)} lacks the marks {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="DIR", type=Path, help="folder with the captures")
    option = parser.add_argument
    option("--portproof", type=Path, metavar="PATH", help="the program (default: target/dist/portproof of `make dist`)")
    option("--runs", type=int, default=3, metavar="N", help="how often each program runs (default: 3)")
    option("--only", default="mix,small,many", metavar="LIST", help="captures (default: mix,small,many)")
    option("--peers", metavar="LIST", help="other programs, e.g. nfpcapd,tshark (default: all)")
    option("--limit-seconds", type=float, default=120, metavar="S", help="longest run (default: 120)")
    option("--write", action="store_true", help="put the tables into docs/performance.md as well")
    options = parser.parse_args()
    options.only = options.only.split(",")
    known = [peer.name for peer in PEERS]
    names = options.peers.split(",") if options.peers else known
    options.peers = [peer for peer in PEERS if peer.name in names]
    for wrong in {*options.only} - {*CAPTURES} | {*names} - {*known}:
        parser.error(f"{wrong}: captures are {', '.join(CAPTURES)}; programs are {', '.join(known)}")
    if options.runs < 1:
        parser.error("--runs: at least 1")
    options.build = f"{checked_out()}, profile dist" if options.portproof is None else "a build named by --portproof"
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    options.portproof = (options.portproof or target / "dist/portproof").absolute()
    if not options.portproof.is_file():
        parser.error("no such program as --portproof names; `make dist` builds the one that is taken by default")
    for capture in options.only:
        if not (options.directory / f"{capture}.pcap").is_file():
            parser.error(f"DIR lacks {capture}.pcap (the benchmark generator's make-captures.sh makes it)")
    return options


def main():
    options = arguments()
    load = os.getloadavg()[0]
    if load > 0.5:
        tell(f"This machine is not idle (load {load:.1f}): wall times, and to a degree CPU times, will be too long.")
    results = {capture: measured(options, capture) for capture in options.only}
    text = report(options, results, load)
    print(text)
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
