#!/usr/bin/env python3
"""A stand-in for SQL Server: no real one can be had as a Debian package. It says just enough TDS (MS-TDS) and just enough
of the SQL browser (MC-SQLR) that FreeTDS logs in, sends a batch and reads the answer.

usage: sql_standin.py ADDRESS PORT INSTANCE_PORT INSTANCE
"""
import asyncio
import struct
import sys

# Packet types (MS-TDS section 2.2.3.1.1).
SQL_BATCH, ANSWER, ATTENTION, LOGIN7, PRELOGIN = 0x01, 0x04, 0x06, 0x10, 0x12
END_OF_MESSAGE = 1
# From this version on row counts have 8 bytes, and batches begin with headers.
TDS_7_2 = 0x72090002


def text(value):
    return bytes([len(value)]) + value.encode("utf-16le")


def prelogin():
    options = [(0, bytes([15, 0, 7, 208, 0, 0])), (1, b"\x02"), (2, b"\0"), (3, b""), (4, b"\0")]
    head, tail = b"", b""
    for token, data in options:
        head += struct.pack(">BHH", token, 5 * len(options) + 1 + len(tail), len(data))
        tail += data
    return head + b"\xff" + tail


class Session:
    version = 0x74000004

    def is_new(self):
        return self.version >= TDS_7_2

    def done(self, status=0, command=0, rows=0):
        return struct.pack("<BHH", 0xFD, status, command) + struct.pack("<Q" if self.is_new() else "<I", rows)

    def login(self, message):
        self.version = struct.unpack("<I", message[4:8])[0]
        change = b"\x01" + text("labdb") + text("master")
        acknowledge = b"\x01" + struct.pack(">I", self.version) + text("SQL stand-in") + bytes([15, 0, 7, 208])
        return (
            b"\xe3" + struct.pack("<H", len(change)) + change
            + b"\xad" + struct.pack("<H", len(acknowledge)) + acknowledge
            + self.done()
        )

    def batch(self, message):
        headers = struct.unpack("<I", message[:4])[0] if self.is_new() and len(message) > 4 else 0
        query = message[headers if headers < len(message) else 0:].decode("utf-16le", "replace").strip().lower()
        if not query.startswith("select"):
            return self.done(0x10, 0xC3, 1)
        column = struct.pack("<I" if self.is_new() else "<H", 0) + struct.pack("<HB", 0x08, 0x38) + text("n")
        return b"\x81" + struct.pack("<H", 1) + column + b"\xd1" + struct.pack("<i", 1) + self.done(0x10, 0xC1, 1)

    def answer(self, kind, message):
        if kind == PRELOGIN:
            return prelogin()
        if kind == LOGIN7:
            return self.login(message)
        if kind == SQL_BATCH:
            return self.batch(message)
        return self.done(0x20 if kind == ATTENTION else 0)


async def serve(reader, writer):
    session = Session()
    try:
        while True:
            message, last = b"", False
            while not last:
                kind, status, length = struct.unpack(">BBH", (await reader.readexactly(8))[:4])
                message += await reader.readexactly(length - 8)
                last = bool(status & END_OF_MESSAGE)
            body = session.answer(kind, message)
            writer.write(struct.pack(">BBHHBB", ANSWER, END_OF_MESSAGE, len(body) + 8, 51, 1, 0) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


class Browser(asyncio.DatagramProtocol):
    def __init__(self, instance, port):
        words = f"ServerName;LAB;InstanceName;{instance};IsClustered;No;Version;15.0.2000.5;tcp;{port};;".encode()
        self.words = b"\x05" + struct.pack("<H", len(words)) + words

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        # CLNT_BCAST_EX, CLNT_UCAST_EX, CLNT_UCAST_INST: there is but one instance to tell of.
        if data[:1] in (b"\x02", b"\x03", b"\x04"):
            self.transport.sendto(self.words, sender)


async def main(address, port, instance_port, instance):
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Browser(instance, instance_port), (address, 1434))
    servers = [await asyncio.start_server(serve, address, int(each)) for each in (port, instance_port)]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
