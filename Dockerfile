# The one image of all services of Till; what runs in it is chosen by its command: node order/main.ts,
# payment/main.ts, stock/main.ts, orchestrator/main.ts, watchdog/main.ts, or one of cli/till.ts.
# Nothing of it is written at run time: it runs with a read-only root, without any privilege.

FROM node:26-bookworm-slim AS packages
WORKDIR /till
COPY package.json package-lock.json ./
# Without install scripts: that of the package `node` would fetch the Node that this image is made of
# a second time; the native parts of the others come built.
RUN npm ci --omit=dev --ignore-scripts --no-fund --no-audit

FROM node:26-bookworm-slim
WORKDIR /till
COPY --from=packages /till/node_modules node_modules
COPY . .
# Compiling the modules is most of the start of a service, and so of a restart after a crash; it is
# done here, by the user whose cache it will be. A process whose settings are wrong has loaded all
# that it imports when it says so.
RUN mkdir /var/cache/till && chown node:node /var/cache/till
USER node
ENV NODE_ENV=production NODE_COMPILE_CACHE=/var/cache/till
RUN for main in */main.ts; do PORT=none node "$main" 2>&1 | grep -q PORT= || exit 1; done
# Settings that every container shares: services listen on 8000, internal routes on 9000.
ENV HOST=0.0.0.0 PORT=8000 INTERNAL_HOST=0.0.0.0 INTERNAL_PORT=9000
EXPOSE 8000 9000
CMD ["node", "order/main.ts"]
