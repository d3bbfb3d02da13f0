#!/bin/sh
# Writes which ports this host uses, and by which programs, to one text file for portproof (Linux).
#
#   portproof-collect.sh [FILE]
#
# Reads and changes nothing. Needs ss (iproute2); run it as root, or programs of other users stay unnamed. The file holds: name of
# the host, time, time of the last start, TCP and UDP sockets with process names, the range of dynamic ports and the reserved
# ones. It holds no packet, user name or command line. FILE is portproof-NAME-TIME.txt by default; an existing one is not
# overwritten. Run it during the recording, and again after a restart:
#
#   sudo sh portproof-collect.sh
#   portproof report capture.pcapng --host-table 10.0.0.5=portproof-srv1-20260302T080000Z.txt -o reports/first
set -eu
LC_ALL=C
export LC_ALL

host=$(uname -n)
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
file=${1:-portproof-$host-$(date -u +%Y%m%dT%H%M%SZ).txt}
if ! command -v ss >/dev/null; then
    echo "portproof-collect: ss is missing: install iproute2" >&2
    exit 2
fi

collect() {
    echo '## portproof-collect 1'
    echo '## facts'
    echo 'system,linux'
    echo "host,$host"
    echo "time_utc,$now"
    # Seconds since 1970 of the last start; converted where date can.
    boot=$(sed -n 's/^btime \([0-9]*\)$/\1/p' /proc/stat)
    if boot=$(date -u -d "@$boot" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null); then
        echo "boot_utc,$boot"
    fi
    echo '## ss'
    # A process may have a line break in its name: it must not begin a section.
    ss -Htunap | sed 's/^##/ ##/'
    echo '## sysctl'
    for name in ip_local_port_range ip_local_reserved_ports; do
        echo "net.ipv4.$name = $(cat "/proc/sys/net/ipv4/$name")"
    done
    echo '## end'
}

umask 077
# -C: an existing file is an error.
set -C
collect >"$file"
echo "$file written"
