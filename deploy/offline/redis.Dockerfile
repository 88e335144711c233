# Debian's Redis 7.0 on the stand-in base, laid out like the official image: data in /data, user redis.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o redis -g redis /data

USER redis
WORKDIR /data
VOLUME /data
EXPOSE 6379

# Only the official build answers other hosts without a password by default; ports stay unpublished.
ENTRYPOINT ["sh", "-c", "[ \"$1\" != redis-server ] || set -- \"$@\" --protected-mode no; exec \"$@\"", "--"]
CMD ["redis-server"]
