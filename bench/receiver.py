"""Receiver of webhooks for the benchmark: `python -m bench.receiver PORT`.

It accepts every message. `GET /` returns the number of messages.
"""

import asyncio
import re
import sys

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
received = 0


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global received
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:  # a connection without a request
        writer.close()
        return
    if head.startswith(b"POST"):
        match = LENGTH.search(head)
        await reader.readexactly(int(match[1]) if match else 0)
        received += 1
    body = str(received).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    writer.write(head + body)
    await writer.drain()
    writer.close()


async def serve(port: int) -> None:
    server = await asyncio.start_server(handle, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
