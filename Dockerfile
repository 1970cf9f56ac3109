# Builds for the CPU: a build sees no GPU. Run it with a folder for what is kept:
#   docker run --rm --publish 127.0.0.1:3000:3000 --volume plumbline:/data plumbline
# and with models of your own: --volume /path/to/models:/models:ro

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /plumbline
ENV XDG_CACHE_HOME=/cache
# The slow steps that change seldom, before the sources.
COPY rust-toolchain.toml Cargo.lock ./
COPY scripts scripts
RUN scripts/setup
COPY . .
RUN make build
RUN cp -R "$(scripts/libtorch)/lib" /libtorch

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data plumbline \
    && install --directory --owner=plumbline /data
COPY --from=build /libtorch /usr/local/lib/libtorch
COPY --from=build /plumbline/target/release/plumbline /usr/local/bin/plumbline
COPY model_weights /models
ENV LD_LIBRARY_PATH=/usr/local/lib/libtorch
USER plumbline
VOLUME /data
EXPOSE 3000
ENTRYPOINT ["plumbline"]
CMD ["serve", "--listen", "0.0.0.0:3000", "--data", "/data", "--models", "/models"]
