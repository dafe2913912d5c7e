# The image: `docker build -t flask-api:latest .`, or with podman, or `make image`.
# Do not build from docker/Dockerfile: BuildKit has problems with symbolic links (moby/buildkit#343).
#
# To use your own package index or proxy, pass two secrets. The build mounts them only while it
# installs packages, and stores them in no layer:
#   --secret id=pip.conf,src=$HOME/.config/pip/pip.conf
#   --secret id=ca.pem,src=/etc/ssl/certs/ca-certificates.crt   (pip.conf: cert = /run/secrets/ca.pem)
#
# BASE is a tag, so each build gets the security fixes of Debian and Python. For a repeatable build,
# add a digest: --build-arg BASE=docker.io/library/python:3.13-slim-trixie@sha256:…
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
COPY requirements.txt /tmp/
# Wheels only, because the image has no compiler.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem \
    python3 -m venv --without-pip /opt/venv \
    && python3 -m pip --python /opt/venv/bin/python3 install --no-cache-dir --no-compile \
        --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r /tmp/requirements.txt
WORKDIR /srv
# .dockerignore lists the files to copy, and excludes all others.
COPY . .
# Compile now, because the root file system is read-only at runtime. Make all files readable for the
# user of the image, because the umask of the checkout may forbid it.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib /srv \
    && chmod -R u=rwX,go=rX /srv

FROM ${BASE}
# The running service installs no packages.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip \
        /usr/local/lib/python3*/site-packages/pip* \
    && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv /srv
WORKDIR /srv
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=8000
# A number, because Kubernetes cannot verify that a name is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Checks liveness, because Docker sends traffic to a container that is not ready, too. The OCI format has no
# health checks, so `make image` builds the Docker format.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-IS", "/srv/docker/healthcheck.py"]
# gunicorn listens on 0.0.0.0:$PORT; WEB_CONCURRENCY is the number of workers.
CMD ["gunicorn", "app:create_app()"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flask-api" \
      org.opencontainers.image.description="A REST API service in Flask: accounts, a product catalogue, and orders." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
