# durabatch: client and worker are one image.
# Debian rather than Alpine: the native part of the Temporal SDK needs glibc.

FROM node:24.20.0-bookworm-slim@sha256:ba849c60be29959425b8734d57b8b4b7d56f98edd9504c9af091d5281095a71e AS base

FROM base AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The scripts of the packages are not needed: the SDK brings its binaries with it.
RUN npm ci --omit=dev --ignore-scripts

FROM base AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM base
# The SDK's TLS, for a Temporal server beyond this machine, reads the system's certificates.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/package.json /app/package.json
COPY --from=build /app/dist /app/dist
# A new volume mounted here takes its owner from this folder, so that the worker may write to it.
RUN mkdir -p /data/batch_results && chown -R node:node /data
USER node
# The default of --output-dir, data/batch_results, is the volume when seen from here.
WORKDIR /
VOLUME /data
ENTRYPOINT ["node", "/app/dist/client/cli.js"]
