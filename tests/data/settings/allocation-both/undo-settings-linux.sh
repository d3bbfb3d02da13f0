#!/bin/sh
# Takes port settings back, by portproof VERSION.
#
# What it takes back: The system gives out ports from 50000-51023 only, TCP and UDP, IPv4 and
# IPv6. One block of static ports is reserved, so that the system gives them to nobody else.
#
# Run it as root. It puts back the defaults of the kernel, then whatever other files of
# /etc/sysctl.d say.
set -eu
rm -f /etc/sysctl.d/90-portproof-ports.conf
sysctl -w net.ipv4.ip_local_port_range='32768 60999'
printf '\n' > /proc/sys/net/ipv4/ip_local_reserved_ports
sysctl --system
