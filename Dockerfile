# Holdfast in a container: `docker build -t holdfast .` Stages: build, test, guestbook, runtime (the last
# is what is built unless --target names another). BASE is any Debian from 12 on; where it has npm, that is
# used. See docs/guides/docker.md.
ARG BASE=debian:12-slim

# ---- build: npm's packages of package-lock.json, then what tsc makes of the sources
FROM ${BASE} AS build
# Another registry than npm's, if need be. For one with a password: --mount=type=secret,target=/root/.npmrc
ARG NPM_CONFIG_REGISTRY
# npm trusts whom BASE trusts: a registry with a certificate of one's own needs nothing else.
ENV DEBIAN_FRONTEND=noninteractive NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libatomic1 \
 && { command -v npm >/dev/null || apt-get install -y --no-install-recommends nodejs npm; } \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# As long as these do not change, the packages are not fetched again.
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
# The second command is for Debian 12's npm, which prunes the licence of the pinned Node.
RUN npm run build && npm rebuild node && node_modules/.bin/node dist/scripts/deb.js --program /out

# ---- test: every suite, with Apache and PostgreSQL: docker run --rm $(docker build -q --target test .)
FROM build AS test
RUN apt-get update \
 && apt-get install -y --no-install-recommends apache2-bin man-db postgresql \
 && rm -rf /var/lib/apt/lists/*
CMD ["npm", "test"]

# ---- program: Holdfast with its own Node, and nothing that builds
FROM ${BASE} AS program
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libatomic1 libstdc++6 tini \
 && rm -rf /var/lib/apt/lists/* \
 # The group is that of Debian's web servers, httpd's image included: it may use the sockets.
 && useradd --uid 10001 --gid www-data --home-dir /var/lib/holdfast --create-home --shell /usr/sbin/nologin holdfast \
 && install -d -o holdfast -g www-data -m 0750 /run/holdfast
COPY --from=build /out/ /
COPY conf/docker/holdfast.toml /etc/holdfast/holdfast.toml
COPY conf/docker/pool.d/ /etc/holdfast/pool.d/
ENV NODE_ENV=production
# By number, so that an orchestrator can see that it is not root.
USER 10001:33
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["holdfast", "ping"]
# tini is process 1: it passes signals on, and collects processes that an app has left behind.
ENTRYPOINT ["/usr/bin/tini", "--", "holdfast"]
CMD ["start"]

# ---- guestbook: an app with packages of its own, for compose.yaml
FROM build AS guestbook-app
WORKDIR /app
RUN npm install --no-audit --no-fund --no-save "pg@$(node -p 'require("/src/package.json").devDependencies.pg')"
COPY examples/guestbook ./

FROM program AS guestbook
COPY --from=guestbook-app /app /srv/www

# ---- runtime: a page of its own in /srv/www, until an app is mounted or copied there
FROM program AS runtime
COPY examples/hello /srv/www
