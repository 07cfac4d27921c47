# Sacho in a container:
#
#   docker build -t sacho:0.1.0 .
#   docker run -d --name sacho --restart unless-stopped --stop-timeout 180 -e CONTACT=desk@example.org \
#       -v sacho-var:/opt/sacho/var -v ./jobs.toml:/opt/sacho/jobs.toml:ro sacho:0.1.0
#   docker run --rm --init -v sacho-var:/opt/sacho/var -v /mnt/backup:/backup sacho:0.1.0 backup /backup/sacho
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SACHO_HOME=/opt/sacho/var JOBS_FILE=/opt/sacho/jobs.toml
WORKDIR /opt/sacho

# Code belongs to root and data to sacho, so that no process can change what it runs.
RUN groupadd --gid 10001 sacho \
    && useradd --uid 10001 --gid sacho --home-dir /opt/sacho --no-create-home --shell /usr/sbin/nologin sacho \
    && install -d -o sacho -g sacho -m 0750 var

COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY archive/ archive/
COPY pipelines/ pipelines/
COPY crawler/ crawler/
RUN pip install --no-cache-dir --no-compile -c constraints.txt ".[postgres,s3]"

USER 10001:10001
VOLUME ["/opt/sacho/var"]

# Whether the scheduler is alive, which is all that a restart can repair: it writes its metrics
# every five minutes. Not "sacho status": that reports problems of outlets and archive, which a
# restart does not solve. A container that runs another verb is always healthy.
HEALTHCHECK --interval=5m --timeout=30s --start-period=5m --retries=2 \
    CMD ["sh", "-c", "! tr '\\0' ' ' </proc/1/cmdline | grep -q ' schedule *$' || ! find var -maxdepth 1 -name '*.prom' -mmin +15 | grep -q ."]

# The exec form: SIGTERM reaches the scheduler, which then ends its runs cleanly.
ENTRYPOINT ["sacho"]
CMD ["schedule"]
