"""DNS in tests: names with fixed addresses."""

import socket


class Names:
    """Replaces `socket.getaddrinfo`; each further lookup of a name gets its next addresses."""

    def __init__(self, monkeypatch):
        self.answers, self.lookups = {}, []
        self.real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)

    def set(self, name, *answers):
        """Give the name a list of addresses for each lookup; the last one stays."""
        self.answers[name] = list(answers)

    def getaddrinfo(self, host, port, *args, **kwargs):
        if host not in self.answers:
            return self.real(host, port, *args, **kwargs)
        self.lookups.append(host)
        answers = self.answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
                if ":" in address
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            )
            for address in addresses
        ]
