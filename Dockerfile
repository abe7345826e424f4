# The image of muster itself, for `muster guard` as a pod (docs/safety.md, Guardian) and for pipelines against a cluster of
# your own. deploy/image.lock is the part of requirements.lock that it needs. Build it from the project's root:
#   docker build -t muster .
FROM python:3.11-slim

COPY deploy/image.lock /tmp/
RUN pip install --no-cache-dir --only-binary :all: --require-hashes -r /tmp/image.lock \
    && rm /tmp/image.lock

COPY pyproject.toml README.md LICENSE /tmp/source/
COPY src /tmp/source/src
RUN pip install --no-cache-dir --no-deps --no-build-isolation /tmp/source \
    && rm -r /tmp/source

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1000:1000
WORKDIR /var/lib/muster
ENTRYPOINT ["muster"]
