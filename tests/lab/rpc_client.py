#!/usr/bin/env python3
"""A DCE/RPC client over TCP (impacket): asks the endpoint mapper, binds at the port that it announces, and calls.

usage: rpc_client.py HOST USER PASSWORD SERVICE[@PORT]...
With a port the mapper is not asked.
Prints a line of JSON for each service: what was announced, and what became of it. Exit code 1 if an announced port was
not reached.
"""
import json
import sys

from impacket.dcerpc.v5 import epm, lsad, rrp, samr, srvs, transport

# Service: its interface, and a call of it.
SERVICES = {
    "samr": (samr.MSRPC_UUID_SAMR, samr.hSamrConnect),
    "lsarpc": (lsad.MSRPC_UUID_LSAD, None),
    "winreg": (rrp.MSRPC_UUID_RRP, rrp.hOpenLocalMachine),
    "srvsvc": (srvs.MSRPC_UUID_SRVS, lambda rpc: srvs.hNetrShareEnum(rpc, 1)),
}
CONNECT_SECONDS = 2


def use(host, user, password, service):
    service, _, port = service.partition("@")
    interface, call = SERVICES[service]
    said = {"service": service, "reached": None}
    try:
        if port:
            binding = f"ncacn_ip_tcp:{host}[{port}]"
        else:
            binding = said["announced"] = epm.hept_map(host, interface, protocol="ncacn_ip_tcp")
        said["reached"] = False
        way = transport.DCERPCTransportFactory(binding)
        way.set_connect_timeout(CONNECT_SECONDS)
        way.set_credentials(user, password)
        rpc = way.get_dce_rpc()
        rpc.set_auth_level(6)
        rpc.connect()
        said["reached"] = True
        rpc.bind(interface)
        if call:
            call(rpc)
        rpc.disconnect()
    except Exception as error:  # whatever impacket, the server or the network raises is what is told
        said["error"] = f"{type(error).__name__}: {error}"[:160]
    return said


def main():
    host, user, password = sys.argv[1:4]
    outcomes = [use(host, user, password, service) for service in sys.argv[4:]]
    for outcome in outcomes:
        print(json.dumps(outcome))
    return any(outcome["reached"] is False for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
