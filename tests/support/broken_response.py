"""Worker class with a URL, /breaking-off, whose response ends after the first bytes."""

from app.server import worker

HEAD = [("Content-Length", "100"), ("Content-Type", "text/plain")]


def pieces():
    yield b"the beginning"
    raise RuntimeError("the end never comes")


class Worker(worker.Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        service = self.wsgi.wsgi_app

        def application(environ, start_response):
            if environ["PATH_INFO"] != "/breaking-off":
                return service(environ, start_response)
            start_response("200 OK", HEAD)
            return pieces()

        self.wsgi.wsgi_app = application
