#!/bin/sh
# Records what ss writes about sockets of known kinds, in network and PID namespaces of their own: nothing of the machine is in
# it. Needs unshare, ip, python3 and root.
#   sh make-ss.sh inside   is how it calls itself
set -eu
cd "$(dirname "$0")"
root=$PWD/../../..
script=$PWD/$(basename "$0")
if [ "${1:-}" != inside ]; then
    exec unshare --net --pid --fork --mount-proc sh "$script" inside
fi
ip link set lo up
ip link add veth0 type veth peer name veth1
ip link set veth1 up
ip address add 10.0.0.5/24 dev veth0
ip -6 address add fe80::5/64 dev veth0 nodad
ip link set veth0 up
python3 - <<'PY' &
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b'host "a",pid=9', 0, 0, 0)  # a name that tries to end the quotation early
def listen(family, address, v6only=None):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if v6only is not None:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    s.bind(address); s.listen(16); return s
scope = socket.if_nametoindex('veth0')
keep = [listen(socket.AF_INET, ('0.0.0.0', 7001)), listen(socket.AF_INET, ('127.0.0.1', 7002)),
        listen(socket.AF_INET, ('10.0.0.5', 7003)), listen(socket.AF_INET6, ('::', 7004), 0),
        listen(socket.AF_INET6, ('::', 7005), 1), listen(socket.AF_INET6, ('fe80::5', 7006, 0, scope))]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('0.0.0.0', 7010))
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); v.bind(('10.0.0.5', 7011)); v.connect(('10.0.0.5', 7010))
c = socket.socket(); c.bind(('10.0.0.5', 7020)); c.connect(('10.0.0.5', 7003)); a, _ = keep[2].accept()
d = socket.socket(); d.bind(('10.0.0.5', 7021)); d.connect(('10.0.0.5', 7003)); b, _ = keep[2].accept()
d.close(); b.close()   # 7021 closed first: TIME-WAIT
e = socket.socket(); e.bind(('10.0.0.5', 7022)); e.connect(('10.0.0.5', 7003)); f, _ = keep[2].accept()
e.shutdown(socket.SHUT_WR)  # FIN-WAIT-2 here, CLOSE-WAIT there
time.sleep(5)
PY
sleep 1
ss -tunap >ss-tunap.txt
ss -Htunap >ss-Htunap.txt
ss -tulpn >ss-tulpn.txt
ss -tlnp >ss-tlnp.txt
sh "$root/scripts/portproof-collect.sh" collected-linux.txt >/dev/null
sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports >sysctl.txt
wait
