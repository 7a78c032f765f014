# A worker for V100, with TensorRT 10.4, the last that builds for Volta, from the root of a checkout:
#   docker build -f docker/worker-v100.Dockerfile -t farm/worker-v100 .
# Both bases may be given by digest, so that a build repeats. Not run on hardware.
ARG PYTHON=docker.io/library/python:3.10-slim-bookworm
ARG BASE=nvcr.io/nvidia/tensorrt:24.09-py3

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
# The tools that prepare graphs (host) are for Python 3.11 or newer, and left out below.
RUN python3 -m pip install --no-cache-dir --only-binary=:all: --target /opt/farm '/source[worker,host]' 'cmake>=3.18,<5' \
    && sed -i '1s|^#!.*python.*|#!/usr/bin/env python3|' /opt/farm/bin/*

FROM ${BASE}
COPY --from=install /opt/farm /opt/farm
# A volume that is mounted at /data takes its owner from here.
RUN echo 'farm:x:10001:10001::/data:/usr/sbin/nologin' >>/etc/passwd \
    && mkdir -m 0700 /data \
    && chown 10001:10001 /data
ENV PATH=/opt/farm/bin:/opt/farm/cmake/data/bin:${PATH} \
    PYTHONPATH=/opt/farm \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    FARM_WORKER_DATA=/data
USER 10001:10001
WORKDIR /data
# The worker holds its slots, and the coordinator heard of it a moment ago.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 CMD ["farm", "worker", "health"]
ENTRYPOINT ["farm"]
CMD ["worker", "start"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="farm worker for Volta" \
      org.opencontainers.image.description="Worker of a build farm for TensorRT engines" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
