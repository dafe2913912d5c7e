"""DNS in tests: names with fixed addresses."""

import socket


class Names:
    """Replaces `socket.getaddrinfo`; each lookup of a name returns its next list of addresses."""

    def __init__(self, monkeypatch):
        self.results, self.lookups = {}, []
        self.real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)

    def set(self, name, *results):
        """Set the list of addresses for each lookup; further lookups return the last list."""
        self.results[name] = list(results)

    def getaddrinfo(self, host, port, *args, **kwargs):
        if host not in self.results:
            return self.real(host, port, *args, **kwargs)
        self.lookups.append(host)
        results = self.results[host]
        addresses = results.pop(0) if len(results) > 1 else results[0]
        return [
            (
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
                if ":" in address
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            )
            for address in addresses
        ]
