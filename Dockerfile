# Pinned by exact tags, and not by digests.
FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked --package todo-server

FROM debian:bookworm-20260824-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home todo \
 && install --directory --owner todo --mode 700 /data
COPY --from=build /src/target/dist/todo-server /usr/local/bin/todo-server
USER todo
WORKDIR /data
VOLUME /data
# The OpenSSL that is built in does not know where this system keeps its certificates.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    LISTEN=0.0.0.0:8000 \
    LOG_FORMAT=json
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && grep -q '200 OK' <&3"]
ENTRYPOINT ["todo-server"]
