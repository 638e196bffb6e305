# The image of one service: docker build --build-arg SERVICE=consumer .
# Reinstalling takes long and building is quick, so what `npm ci` reads comes first, alone: the manifests of all
# workspaces, whose layer is the same as long as they are, whatever else has changed.
FROM node:24-trixie-slim AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json -delete && find . -type d -empty -delete

FROM node:24-trixie-slim AS build
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci
COPY . .
# Only the JavaScript leaves this stage, and what a service has for browsers.
RUN npm run build \
 && find packages services -path '*/dist/*.js' -not -path '*/node_modules/*' -exec cp --parents {} /tmp \; \
 && find services -path '*/page/*' -not -path '*/node_modules/*' -exec cp --parents {} /tmp \;

# What the service needs to run, and nothing else; type declarations and source maps are of no use to it.
FROM node:24-trixie-slim AS dependencies
ARG SERVICE
# Further workspaces of the image, as options of npm.
ARG TOOLS=
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --omit=dev --workspace=@redis-streams-processor/$SERVICE $TOOLS \
 && find node_modules -type f \( -name '*.[cm]ts' -o -name '*.ts' -o -name '*.map' \) -delete \
 && rm package-lock.json

FROM node:24-trixie-slim
ARG SERVICE
ENV NODE_ENV=production SERVICE=$SERVICE
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=build /tmp/packages packages
COPY --from=build /tmp/services/$SERVICE services/$SERVICE
USER node
# A variable is known to a shell only; `exec` puts Node in its place.
CMD ["sh", "-c", "exec node services/$SERVICE/dist/main.js"]
