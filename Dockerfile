# One image for webhook, operator, proxy and init: the container's command says which.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-fund --no-audit --loglevel=error
COPY . .
RUN node scripts/build.ts

FROM node:24-bookworm-slim
# nft is what init writes the redirection with
RUN apt-get update \
  && apt-get install -y --no-install-recommends nftables \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*
WORKDIR /app
# native addons cannot be bundled; npm has installed the one of this image's platform
COPY --from=build /src/node_modules/koffi/ node_modules/koffi/
COPY --from=build /src/node_modules/@koromix/ node_modules/@koromix/
COPY --from=build /src/dist/*.mjs ./
COPY LICENSE ./
ENV NODE_ENV=production
# the proxy's user; the chart runs webhook and operator as 65532, and init sets its own
USER 1337:1337
CMD ["node", "/app/proxy.mjs"]
