# The image: `docker build -t flask-api:latest .`, or with podman, or `make image`.
#
# Behind a package index or a proxy of your own, give the build two secrets. They are there while the
# packages are installed, and in no layer:
#   --secret id=pip.conf,src=$HOME/.config/pip/pip.conf
#   --secret id=ca.pem,src=/etc/ssl/certs/ca-certificates.crt   (pip.conf: cert = /run/secrets/ca.pem)
#
# The tag gets the security fixes of Debian and Python with each build. For builds that can be
# repeated, give the digest too: --build-arg BASE=docker.io/library/python:3.13-slim-trixie@sha256:…
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
COPY requirements.txt /tmp/
# Only wheels: there is no compiler here, and the locked packages need none.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem \
    python3 -m venv --without-pip /opt/venv \
    && python3 -m pip --python /opt/venv/bin/python3 install --no-cache-dir --no-compile \
        --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r /tmp/requirements.txt
WORKDIR /srv
# What .dockerignore lets through, and nothing else.
COPY . .
# The root is read-only when it runs, so it is compiled now; and whatever umask the files came with,
# the user of the image can read them.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib /srv \
    && chmod -R u=rwX,go=rX /srv

FROM ${BASE}
# Nobody installs packages in here.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip \
        /usr/local/lib/python3*/site-packages/pip* \
    && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv /srv
WORKDIR /srv
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that Kubernetes sees that it isn't root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-IS", "/srv/docker/healthcheck.py"]
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:create_app()"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flask-api" \
      org.opencontainers.image.description="A REST API service in Flask: accounts, a product catalogue, and orders." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
