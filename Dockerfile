# One image for the code server, the runs, the webserver and the daemon: the same Dagster everywhere.
# Build it from the repository's root: docker build -t mmm-pipeline:0.1.0 .

# Raised by hand. A digest holds the base to the byte: --build-arg BASE=python:3.11.13-slim-bookworm@sha256:...
ARG BASE=python:3.11.13-slim-bookworm

# hadolint ignore=DL3006
FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/venv
# The dependencies are a layer of their own, which an edit of the package does not build anew.
COPY pyproject.toml constraints.txt README.md ./
RUN mkdir mmm_pipeline engines \
    && touch mmm_pipeline/__init__.py \
    && /opt/venv/bin/pip install --constraint constraints.txt '.[bigquery,gcs,gemini,k8s,postgres]'
COPY engines engines
COPY mmm_pipeline mmm_pipeline
RUN /opt/venv/bin/pip install --no-deps --force-reinstall . \
    && /opt/venv/bin/python -m compileall -q -j 0 /opt/venv/lib

# hadolint ignore=DL3006
FROM ${BASE}
# The Hangul font is for Korean charts. Its version is that of the Debian release, which the base image pins.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes fonts-nanum \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 mmm \
    && useradd --uid 10001 --gid mmm --home-dir /var/lib/mmm --create-home --shell /usr/sbin/nologin mmm \
    && install --directory --owner mmm --group mmm /opt/dagster/home /opt/dagster/storage
COPY --from=build /opt/venv /opt/venv
# Dagster's chart starts `dagster-webserver` by its name: here that is the one behind the guard against other web sites.
RUN install --directory /opt/mmm/bin && ln -s /opt/venv/bin/mmm-webserver /opt/mmm/bin/dagster-webserver
COPY deploy/dagster.yaml /opt/dagster/home/dagster.yaml
COPY deploy/workspace.yaml /opt/dagster/home/workspace.yaml
# Numeric, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/mmm
ENV PATH=/opt/mmm/bin:/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    DAGSTER_HOME=/opt/dagster/home \
    MMM_HOME=/var/lib/mmm/home
EXPOSE 4000
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["dagster", "api", "grpc-health-check", "--port", "4000"]
CMD ["dagster", "code-server", "start", "--host", "0.0.0.0", "--port", "4000", "--module-name", "mmm_pipeline.definitions", "--location-name", "mmm_pipeline"]
