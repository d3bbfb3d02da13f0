#!/usr/bin/env python3
"""Clients of a controller over EtherNet/IP. usage: plc_client.py HOST pylogix|pycomm3"""
import sys

host, library = sys.argv[1:3]
if library == "pylogix":
    from pylogix import PLC

    with PLC(host) as controller:
        written = controller.Write("SCADA[1]", 77)
        read = controller.Read("SCADA[0]", 4)
        print(written.Status, read.Status, read.Value)
        sys.exit(0 if read.Value and read.Value[1] == 77 else 1)
else:
    from pycomm3 import CIPDriver

    print(CIPDriver.list_identity(host))
    with CIPDriver(host) as driver:
        print(driver.connected)
        sys.exit(0 if driver.connected else 1)
