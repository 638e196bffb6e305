#!/bin/sh
# redis-cli as the user `operator`, inside the container of Redis. The password is not among the arguments, which other
# processes can see.
set -eu
REDISCLI_AUTH=$(head -n 1 /run/secrets/redis_operator_password | tr -d '\r')
export REDISCLI_AUTH
exec redis-cli --user operator "$@"
