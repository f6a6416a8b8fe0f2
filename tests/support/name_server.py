"""A name server on this machine, which answers real queries over UDP (RFC 1035)."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@contextmanager
def name_server(records: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    """Yield the IP:PORT of a server. records: (name, kind) -> texts as in a zone file."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = Thread(target=_serve, args=(server, records), daemon=True)
        thread.start()
        address, port = server.getsockname()
        yield f"{address}:{port}"
        server.sendto(b"", (address, port))  # the end
        thread.join()


def _serve(server: socket.socket, records: Mapping[tuple[str, str], list[str]]) -> None:
    names = {name for name, _ in records}
    while True:
        data, client = server.recvfrom(4096)
        if not data:
            return
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(asked.rdtype)
        if name not in names:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found := records.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *found))
        server.sendto(answer.to_wire(), client)
