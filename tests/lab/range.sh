#!/usr/bin/env bash
# Records a real RPC server four times with portproof: with a wide range of ports, with a restricted one, with a port of it blocked,
# and with a range that is too small for it.
#
#   tests/lab/range.sh PORTPROOF FOLDER OUT      FOLDER as filled by install.sh; OUT must not exist
#
# OUT/before.pcapng    Samba may give out 55000-59999
# OUT/after.pcapng     50000-50119; the same work, for a little longer
# OUT/blocked.pcapng   the same, and what a second client is told is dropped
# OUT/small.pcapng     50000-50001, fewer than Samba has services: one of them, or the mapper, gets none
# OUT/log/             what every program said
# Exit codes: 0 ran; 77 this machine cannot (the reason is on standard output); 1 something failed. Everything is torn down.
set -euo pipefail
export LC_ALL=C.UTF-8
[ $# -eq 3 ] || { sed -n '2,13p' "$0"; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
portproof=$(realpath "$1") folder=$(realpath "$2")
mkdir "$3"
out=$(realpath "$3")
mkdir "$out/log" "$out/work"
chmod 755 "$out"

server=10.77.0.1 client=10.77.0.2 other=10.77.0.3
password=Passw0rd.Lab1
python=$folder/venv/bin/python
name=portproof-range-$$
# Rounds of work in each recording, and seconds after which a client gives up.
rounds=4 patience=20

cannot() {
    echo "skipped: $*"
    exit 77
}
say() { printf '%3d s  %s\n' "$SECONDS" "$*"; }
inside() { ip netns exec "$name-$1" "${@:2}"; }

# Ends what runs at a host: first politely, then not.
end_at() {
    local pid signal
    for signal in TERM KILL; do
        for pid in $(ip netns pids "$name-$1" 2>/dev/null); do kill -$signal "$pid" 2>/dev/null || true; done
        sleep 0.3
    done
}

tear_down() {
    trap - EXIT INT TERM
    local host
    for host in srv cli oth; do
        end_at $host
        ip netns delete "$name-$host" 2>/dev/null || true
    done
    rm -rf "$out/work"
}
trap tear_down EXIT
trap 'exit 1' INT TERM

[ "$(id -u)" -eq 0 ] || cannot "not root"
# Samba's folder of sockets is one for the machine.
exec 9>/run/portproof-lab.lock
flock -w 300 9 || cannot "another lab is running"

make_network() {
    local host
    for host in srv cli oth; do
        ip netns add "$name-$host" 2>"$out/log/netns" || cannot "ip netns add: $(head -n 1 "$out/log/netns")"
        inside $host sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 || true
        inside $host ip link set lo up
    done
    inside srv ip link add br0 type bridge stp_state 0 forward_delay 0 2>"$out/log/bridge" ||
        cannot "no bridge can be made: $(head -n 1 "$out/log/bridge")"
    inside srv ip address add $server/24 dev br0
    inside srv ip link set br0 up
    for host in cli oth; do
        ip link add "to-$host" netns "$name-srv" type veth peer name eth0 netns "$name-$host"
        inside srv ip link set "to-$host" master br0 up
        [ $host = cli ] && inside cli ip address add $client/24 dev eth0 || inside oth ip address add $other/24 dev eth0
        inside $host ip link set eth0 up
    done
}

# Waits until a command succeeds. Called with the seconds, what is waited for, and the command.
wait_until() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt "$end" ] || { echo "$what is not ready"; exit 1; }
        sleep 0.1
    done
}
# Whether the mapper answers, and its services are there.
answers() {
    inside srv rpcclient -s "$out/work/client.conf" -N -U% "ncacn_ip_tcp:$server" -c epmlookup >"$out/log/registered" 2>&1 || true
    grep -q 'ncacn_ip_tcp:.*: winreg$' "$out/log/registered" && grep -q 'ncacn_ip_tcp:.*: samr$' "$out/log/registered"
}

listening() { [ -n "$(inside srv ss -Hltn 'sport = :135')" ]; }

# Samba with a range of its own, as after a restart: called with FIRST-LAST.
start_samba() {
    local directory
    rm -rf "$out/work/samba"
    for directory in run lock state cache private pid ncalrpc; do mkdir -p "$out/work/samba/$directory"; done
    mkdir -p /run/samba
    cat >"$out/work/smb.conf" <<CONF
[global]
 netbios name = SRV
 workgroup = LAB
 server role = standalone server
 interfaces = lo br0
 bind interfaces only = yes
 disable netbios = yes
 rpc server dynamic port range = $1
 rpc start on demand helpers = false
 load printers = no
 disable spoolss = yes
 passdb backend = tdbsam
 log file = $out/log/samba.%m
 lock directory = $out/work/samba/lock
 state directory = $out/work/samba/state
 cache directory = $out/work/samba/cache
 private dir = $out/work/samba/private
 pid directory = $out/work/samba/pid
 ncalrpc dir = $out/work/samba/ncalrpc
CONF
    printf '[global]\n' >"$out/work/client.conf"
    printf '%s\n%s\n' $password $password |
        inside srv pdbedit -s "$out/work/smb.conf" -a -u root -t >"$out/log/pdbedit" 2>&1 ||
        { echo "pdbedit failed"; exit 1; }
    # shellcheck disable=SC2016 # expanded inside
    setsid ip netns exec "$name-srv" sh -c 'mount --bind "$0" /run/samba && exec "$@"' "$out/work/samba/run" \
        /usr/libexec/samba/samba-dcerpcd --libexec-rpcds -F --no-process-group -s "$out/work/smb.conf" \
        9>&- >"$out/log/dcerpcd" 2>&1 </dev/null &
}

# The same every time: a client asks for each service, and calls it.
work() {
    local round
    for round in $(seq $rounds); do
        inside cli timeout $patience "$python" "$here/rpc_client.py" $server root $password samr lsarpc winreg srvsvc \
            9>&- >>"$out/log/$1.work" 2>&1 || true
        sleep 0.5
    done
}

# A recording. Called with its name, the range, whether Samba will be ready, and what else is to be done at its end.
record() {
    local recorder
    start_samba "$2"
    if [ "$3" = ready ]; then wait_until 30 "Samba's endpoint mapper" answers; else wait_until 10 "port 135" listening; fi
    # No function in between: the process is to be the recorder itself, for the signal that ends it.
    ip netns exec "$name-srv" "$portproof" record -i br0 -o "$out/$1.pcapng" \
        9>&- >"$out/log/$1.record.out" 2>"$out/log/$1.record" </dev/null &
    recorder=$!
    wait_until 10 "the recorder" grep -q 'recording from br0' "$out/log/$1.record"
    work "$1"
    "${@:4}"
    kill -INT $recorder
    wait $recorder
    end_at srv
    say "$1: recorded"
}

# One round more, some seconds later: so the recording is not shorter than the one before.
longer() {
    sleep "$1"
    inside cli timeout $patience "$python" "$here/rpc_client.py" $server root $password samr lsarpc winreg srvsvc \
        9>&- >>"$out/log/longer" 2>&1 || true
}

# The mapper answers, and what it announced is not to be reached from there.
blocked() {
    inside srv nft -f - <<RULES
table inet lab {
    chain in {
        type filter hook input priority 0;
        ip saddr $other tcp dport 50000-50119 drop
    }
}
RULES
    inside oth timeout 30 "$python" "$here/rpc_client.py" $server root $password samr 9>&- >"$out/log/blocked.work" 2>&1 || true
    inside srv nft delete table inet lab
    longer 3
}

make_network
record before 55000-59999 ready true
record after 50000-50119 ready longer 5
record blocked 50000-50119 ready blocked
patience=3
record small 50000-50001 unready true
say "done"
