FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Omits the optional embedded PostgreSQL, because the image uses a database server, and a native codec with a JavaScript
# fallback. Without install scripts no code of a package runs during the build.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
# Created here with the service as owner: a named volume takes owner and mode of the folder it is mounted on. Group 0 may
# write: some orchestrators run containers with a random user id in that group.
RUN mkdir /data /keys && chown 1000:0 /data /keys && chmod 0770 /data /keys
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json openapi.yaml ./
COPY migrations ./migrations
COPY src ./src
# The command line, for `docker compose exec api token-broker`.
RUN ln -s /app/src/cli/launch.js /usr/local/bin/token-broker
# Numeric, so that an orchestrator can verify that it is not root without /etc/passwd.
USER 1000:1000
VOLUME /data
EXPOSE 8080
# Each check starts a Node.js process. On a busy host that alone takes seconds, and such a host is no reason to replace a
# working container: only a service that fails for more than a minute is unhealthy.
HEALTHCHECK --interval=15s --timeout=30s --start-period=120s --retries=4 \
  CMD ["node", "src/launch.js", "health"]
# The flags of npm start. A young generation of 16 MB, half of the default, keeps the resident memory small. One thread
# collects it: on few cores the helper threads compete with the database.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--no-parallel-scavenge", "src/launch.js"]
CMD ["serve"]
