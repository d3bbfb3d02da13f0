#!/usr/bin/env bash
# Lets real programs talk in network namespaces, records them with portproof, and writes down what the sockets did.
#
#   tests/lab/run.sh PORTPROOF FOLDER OUT      FOLDER as filled by install.sh; OUT must not exist
#
# OUT/lab.pcapng       what `portproof record` recorded on the server's bridge
# OUT/connections.tsv  every TCP connection, from the kernel's socket states (truth.py)
# OUT/steps.tsv        what the clients were asked to do, and how they ended
# OUT/listeners.tsv    every port that was listened at, called or not
# OUT/words.tsv        the ports that clients of the endpoint mapper say they were told
# OUT/log/             what every program said
# Exit codes: 0 ran; 77 this machine cannot (the reason is on standard output); 1 something failed. Everything is torn down.
set -euo pipefail
export LC_ALL=C.UTF-8
[ $# -eq 3 ] || { sed -n '2,14p' "$0"; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
portproof=$(realpath "$1") folder=$(realpath "$2")
mkdir "$3"
out=$(realpath "$3")
mkdir "$out/log" "$out/work"
chmod 755 "$out"

# The ports that Samba may give to its RPC servers.
rpc_ports=50000-50020
server=10.77.0.1 client=10.77.0.2 plc=10.77.0.3
password=Passw0rd.Lab1
python=$folder/venv/bin/python
name=portproof-lab-$$
tracing=/sys/kernel/tracing
trace=$tracing/instances/$name
mounted=no

cannot() {
    echo "skipped: $*"
    exit 77
}
say() { printf '%3d s  %s\n' "$SECONDS" "$*"; }
inside() { ip netns exec "$name-$1" "${@:2}"; }

tear_down() {
    trap - EXIT INT TERM
    local host pid
    # First politely, so that the programs end as they would; then not.
    for signal in TERM KILL; do
        for host in srv cli plc; do
            for pid in $(ip netns pids "$name-$host" 2>/dev/null); do kill -$signal "$pid" 2>/dev/null || true; done
        done
        sleep 0.3
    done
    for host in srv cli plc; do ip netns delete "$name-$host" 2>/dev/null || true; done
    [ ! -d "$trace" ] || rmdir "$trace" || true
    exec 8<&-
    [ $mounted = no ] || umount "$tracing" 2>/dev/null || true
    rm -rf "$out/work"
}
trap tear_down EXIT
trap 'exit 1' INT TERM

[ "$(id -u)" -eq 0 ] || cannot "not root"
# Two labs would use the same addresses, which is all that tells sockets of different namespaces apart in the trace.
exec 9>/run/portproof-lab.lock
flock -w 300 9 || cannot "another lab is running"

make_network() {
    local host
    for host in srv cli plc; do
        ip netns add "$name-$host" 2>"$out/log/netns" || cannot "ip netns add: $(head -n 1 "$out/log/netns")"
        inside $host sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 || true
        inside $host ip link set lo up
    done
    inside srv ip link add br0 type bridge stp_state 0 forward_delay 0 2>"$out/log/bridge" ||
        cannot "no bridge can be made: $(head -n 1 "$out/log/bridge")"
    inside srv ip address add $server/24 dev br0
    inside srv ip link set br0 up
    for host in cli plc; do
        ip link add "to-$host" netns "$name-srv" type veth peer name eth0 netns "$name-$host"
        inside srv ip link set "to-$host" master br0 up
        [ $host = cli ] && inside cli ip address add $client/24 dev eth0 || inside plc ip address add $plc/24 dev eth0
        inside $host ip link set eth0 up
    done
}

# The kernel's own word on every socket, kept in its buffer until all is over.
start_truth() {
    if [ ! -e $tracing/trace ]; then
        mount -t tracefs none $tracing 2>"$out/log/tracefs" || cannot "no tracefs: $(head -n 1 "$out/log/tracefs")"
        mounted=yes
    fi
    # Nobody who mounted it may take it away meanwhile.
    exec 8<$tracing/README
    mkdir "$trace" 2>"$out/log/tracefs" || cannot "no tracefs instance: $(head -n 1 "$out/log/tracefs")"
    local event=$trace/events/sock/inet_sock_set_state
    [ -d "$event" ] || cannot "this kernel has no tracepoint sock:inet_sock_set_state"
    [ -e "$trace/options/fields" ] || cannot "this kernel does not print the fields of trace events"
    echo mono >"$trace/trace_clock"
    python3 -c 'import time; print(time.time_ns() - time.monotonic_ns())' >"$out/log/clock-offset"
    # With its fields, the line of an event also gives the socket's address: so each is followed through its states.
    echo 1 >"$trace/options/fields"
    echo 4096 >"$trace/buffer_size_kb"
    echo 'protocol==6' >"$event/filter"
    echo 1 >"$event/enable"
}
now_ns() { echo "${EPOCHREALTIME/./}000"; }

start_recording() {
    # No function in between: the process is to be the recorder itself, for the signal that ends it.
    ip netns exec "$name-srv" "$portproof" record -i br0 -o "$out/lab.pcapng" \
        9>&- >"$out/log/record.out" 2>"$out/log/record" </dev/null &
    recorder=$!
    wait_until 10 "the recorder" grep -q 'recording from br0' "$out/log/record"
}

stop_recording() {
    kill -INT $recorder
    wait $recorder
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
listening() { [ -n "$(inside "$1" ss -Hltn "sport = :$2")" ]; }
# Whether the mapper knows all that will be asked for. The server asks itself: that does not pass the bridge.
registered() {
    local interface
    inside srv rpcclient -s "$out/work/client.conf" -N -U% "ncacn_ip_tcp:$server" -c epmlookup >"$out/log/registered" 2>&1 || true
    for interface in lsarpc samr srvsvc winreg; do
        grep -q "ncacn_ip_tcp:.*: $interface\$" "$out/log/registered" || return 1
    done
}

# A server, in the background. Called with host, name and the command. In a process group of its own: Samba ends its group.
serve() {
    setsid ip netns exec "$name-$1" "${@:3}" 9>&- >"$out/log/$2" 2>&1 </dev/null &
    # Each of these commands becomes the next, so it is the server's.
    printf '%s\t%s\n' $! "$2" >>"$out/log/servers"
}

# Samba's programs look for each other in /run/samba, which is compiled in. `ip netns exec` gives each its own mounts.
samba() {
    # shellcheck disable=SC2016 # expanded inside
    serve srv "$1" sh -c 'mount --bind "$0" /run/samba && exec "$@"' "$out/work/run" "${@:2}" -s "$out/work/smb.conf"
}

start_samba() {
    local directory
    for directory in run lock state cache private pid ncalrpc share; do mkdir -p "$out/work/$directory"; done
    mkdir -p /run/samba
    printf 'What is in the share.\n' >"$out/work/share/readme.txt"
    cat >"$out/work/smb.conf" <<CONF
[global]
 netbios name = SRV
 workgroup = LAB
 server role = standalone server
 interfaces = lo br0
 bind interfaces only = yes
 disable netbios = yes
 smb ports = 445
 rpc server dynamic port range = $rpc_ports
 rpc start on demand helpers = false
 load printers = no
 disable spoolss = yes
 passdb backend = tdbsam
 log file = $out/log/samba.%m
 lock directory = $out/work/lock
 state directory = $out/work/state
 cache directory = $out/work/cache
 private dir = $out/work/private
 pid directory = $out/work/pid
 ncalrpc dir = $out/work/ncalrpc
[share]
 path = $out/work/share
CONF
    printf '[global]\n' >"$out/work/client.conf"
    printf '%s\n%s\n' $password $password |
        inside srv pdbedit -s "$out/work/smb.conf" -a -u root -t >"$out/log/pdbedit" 2>&1 ||
        { echo "pdbedit failed"; exit 1; }
    samba dcerpcd /usr/libexec/samba/samba-dcerpcd --libexec-rpcds -F --no-process-group
    samba smbd smbd -F --no-process-group
}

start_servers() {
    cat >"$out/work/freetds.conf" <<CONF
[global]
 tds version = 7.4
 encryption = off
[named]
 host = $server
 instance = LABSQL
CONF
    export FREETDSCONF=$out/work/freetds.conf NODE_PATH=$folder/node/node_modules PYTHONUNBUFFERED=1
    start_samba
    serve srv socketio node "$here/socketio_server.js" $server 3000
    serve srv sql "$here/sql_standin.py" $server 1433 51433 LABSQL
    serve plc enip "$folder/venv/bin/enip_server" --address $plc:44818 'SCADA=INT[100]' 'TEMP=REAL'
    wait_until 30 "Samba's endpoint mapper" registered
    wait_until 30 "smbd" listening srv 445
    wait_until 30 "the Socket.IO server" listening srv 3000
    wait_until 30 "the SQL stand-in" listening srv 51433
    wait_until 30 "the controller" listening plc 44818
}

# What a client does. Called with the step's name, the exit code that it shall have (any: -), host and command.
step() {
    local step=$1 wanted=$2 host=$3 code=0 began began_ns
    shift 3
    began=$SECONDS began_ns=$(now_ns)
    inside "$host" timeout 30 "$@" 9>&- >"$out/log/$step" 2>&1 || code=$?
    # The server's side may close a moment later.
    sleep 0.1
    printf '%s\t%s\t%s\t%s\t%s\n' "$step" "$host" "$wanted" $code "$began_ns" >>"$out/steps.tsv"
    say "$step: $code, $((SECONDS - began)) s"
}

remote_procedures() {
    local as=(-s "$out/work/client.conf" -U "SRV/root%$password")
    # An enumeration, and then a call to a port that nothing else ever names.
    step rpc.epmlookup - plc rpcclient -s "$out/work/client.conf" -N -U% "ncacn_ip_tcp:$server" -c epmlookup
    local port
    port=$(sed -n 's/.* ncacn_ip_tcp:[0-9.]*\[\([0-9]*\),.*: srvsvc$/\1/p' "$out/log/rpc.epmlookup")
    step rpc.enumerated 0 plc "$python" "$here/rpc_client.py" $server root $password "srvsvc@$port"
    step rpc.rpcclient-samr 0 cli rpcclient "${as[@]}" "ncacn_ip_tcp:$server[seal]" -c enumdomusers
    # The server refuses this call without a secure channel: a fault, after a bind at the port that was announced.
    step rpc.rpcclient-lsa - cli rpcclient "${as[@]}" "ncacn_ip_tcp:$server[sign]" -c lsaquery
    step rpc.impacket - cli "$python" "$here/rpc_client.py" $server root $password samr lsarpc winreg
    step smb.list 0 cli smbclient "${as[@]}" -L "//$server"
    step smb.get 0 cli smbclient "${as[@]}" "//$server/share" -c 'get readme.txt /dev/null'
}

the_others() {
    step socketio.polling 0 cli node "$here/socketio_client.js" "http://$server:3000" polling
    step socketio.websocket 0 cli node "$here/socketio_client.js" "http://$server:3000" websocket
    # The server itself asks the controller: so not every caller is a client.
    step cip.pylogix 0 srv "$python" "$here/plc_client.py" $plc pylogix
    step cip.pycomm3 0 cli "$python" "$here/plc_client.py" $plc pycomm3
    step sql.port 0 cli sh -c "printf 'SELECT 1\ngo\nexit\n' | tsql -H $server -p 1433 -U sa -P x"
    step sql.named 0 cli sh -c "printf 'SELECT 1\ngo\nexit\n' | tsql -S named -U sa -P x"
    # A host that never asked the SQL browser calls the port that it announced to another.
    step sql.unasked 0 plc sh -c "printf 'SELECT 1\ngo\nexit\n' | tsql -H $server -p 51433 -U sa -P x"
}

# The mapper answers, and what it announced is not to be reached from there.
blocked() {
    inside srv nft -f - <<RULES
table inet lab {
    chain in {
        type filter hook input priority 0;
        ip saddr $plc tcp dport $rpc_ports drop
    }
}
RULES
    step blocked.impacket 1 plc "$python" "$here/rpc_client.py" $server root $password samr
}

printf 'step\thost\twanted\tcode\tbegan_ns\n' >"$out/steps.tsv"
make_network
start_truth
say "network and trace are there"
start_servers
start_recording
say "servers and recorder are there"
remote_procedures
the_others
blocked
stop_recording
say "recorded"
# Processes by the ports at which they listen: those of the trace have other numbers where this is a container.
for host in srv plc; do inside $host ss -Hltnp >"$out/log/listening.$host"; done
cat "$trace/trace" >"$out/log/trace"
cat "$trace"/per_cpu/cpu*/stats >"$out/log/trace-stats"
python3 "$here/truth.py" "$out"
say "done"
