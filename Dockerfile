FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional dependencies are the embedded PostgreSQL and a native codec that has a JavaScript twin; an image is given
# its databases. Without install scripts nothing of a package runs before the service does.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
# Made here and owned by the service, because a named volume takes over owner and mode of the folder that it covers.
RUN mkdir -m 0700 /data /keys && chown 1000:1000 /data /keys
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json openapi.yaml ./
COPY migrations ./migrations
COPY src ./src
# A number, so that an orchestrator can tell that it is not root without reading /etc/passwd.
USER 1000:1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}${process.env.BASE_PATH || ''}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The nursery is collected by one thread: its helpers take turns with the database on few cores, and cost more than they
# save. What a busy time left behind is collected when it is over, which needs expose-gc; what was compiled is to outlast it.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--no-parallel-scavenge", "--expose-gc", "--no-flush-bytecode", "src/main.ts"]
CMD ["serve"]
