#!/bin/sh
# Takes port settings back, by portproof VERSION.
#
# What it takes back: Ports 50000-50319 are kept for the RPC services of Samba. Outgoing
# connections leave them alone. Static ports are reserved, so that the system gives them to nobody
# else.
#
# Run it as root. It puts back the defaults of the kernel, then whatever other files of
# /etc/sysctl.d say.
# Take the line of smb-rpc-ports.conf out of smb.conf by hand, and restart Samba.
set -eu
rm -f /etc/sysctl.d/90-portproof-ports.conf
printf '\n' > /proc/sys/net/ipv4/ip_local_reserved_ports
sysctl --system
