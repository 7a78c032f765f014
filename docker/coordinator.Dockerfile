# The coordinator of a farm, from the root of a checkout:
#   docker build -f docker/coordinator.Dockerfile -t farm/coordinator .
# Both bases may be given by digest, so that a build repeats: --build-arg BASE=docker.io/library/python@sha256:…
ARG PYTHON=docker.io/library/python:3.12-slim-bookworm
ARG BASE=docker.io/library/python:3.12-slim-bookworm

# Of the same minor version of Python and the same architecture as BASE.
FROM ${PYTHON} AS install
# Packages come from docker/wheels where that folder was filled, as docker/README.md shows.
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS=/wheels
COPY docker/README.md docker/wheel[s] /wheels/
COPY pyproject.toml README.md /source/
COPY farm /source/farm
COPY orchestrator /source/orchestrator
COPY plugins /source/plugins
COPY worker /source/worker
RUN python3 -m pip install --no-cache-dir --only-binary=:all: --target /opt/farm '/source[coordinator]' \
    && sed -i '1s|^#!.*python.*|#!/usr/bin/env python3|' /opt/farm/bin/*

FROM ${BASE}
COPY --from=install /opt/farm /opt/farm
# A volume that is mounted at /data takes its owner from here.
RUN echo 'farm:x:10001:10001::/data:/usr/sbin/nologin' >>/etc/passwd \
    && mkdir -m 0700 /data \
    && chown 10001:10001 /data
ENV PATH=/opt/farm/bin:${PATH} \
    PYTHONPATH=/opt/farm \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    FARM_DATA=/data \
    FARM_HOST=0.0.0.0 \
    FARM_PORT=8300
USER 10001:10001
WORKDIR /data
EXPOSE 8300
# It asks /readyz: the database answers and takes writes.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["farm", "coordinator", "health"]
ENTRYPOINT ["farm"]
CMD ["coordinator", "start"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="farm coordinator" \
      org.opencontainers.image.description="Coordinator of a build farm for TensorRT engines" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
