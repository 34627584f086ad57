# callhooks in a container: docker build --tag callhooks . && docker run callhooks --help
# docs/operations.md says how to run it. The image holds no secret and no setting but addresses and the folder of the data.
# check=error=true

# The version is the one in .node-version.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# The packages of production. This layer changes with the lockfile alone.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts --no-progress

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-progress
COPY tsconfig.json tsconfig.build.json ./
COPY migrations migrations
COPY deploy/service-config.json deploy/
COPY src src
RUN node_modules/.bin/tsc -p tsconfig.build.json \
  && find dist -name '*.map' -delete \
  && cp -r src/console/assets dist/src/console/ \
  && chmod 0755 dist/src/main.js

FROM ${NODE_IMAGE} AS callhooks
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="callhooks" \
  org.opencontainers.image.description="Webhooks around phone calls, over gRPC" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data \
  && ln -s /app/dist/src/main.js /usr/local/bin/callhooks
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
# Beyond loopback callhooks does not start without TLS and tokens. The health port is for the health check alone.
ENV NODE_ENV=production \
  CALLHOOKS_DATA_DIR=/data \
  CALLHOOKS_LISTEN=0.0.0.0:50051 \
  CALLHOOKS_HEALTH_LISTEN=127.0.0.1:50052 \
  CALLHOOKS_OPS_LISTEN=0.0.0.0:9464
# A number, so that Kubernetes sees that it is not root. Nothing but /data is written to.
USER 10001:10001
VOLUME /data
EXPOSE 50051 9464
# Running executions may finish after this signal (CALLHOOKS_SHUTDOWN_GRACE, 65s): docker stop --timeout 75
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["callhooks", "healthcheck"]
ENTRYPOINT ["callhooks"]
CMD ["serve"]
