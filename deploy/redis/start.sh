#!/bin/sh
# Starts a Redis whose users have only the rights that they need: writes its ACL file, then runs the command that was
# given. The file is made of users.acl. The name of the stream comes from STREAM; each password comes from a secret, and
# only its SHA-256 is written.
set -eu
here=$(dirname "$0")
secrets=${SECRETS:-/run/secrets}
acl_file=${ACL_FILE:-/tmp/users.acl}
stream=${STREAM:-user_events}

fail() {
  echo "start.sh: $1" >&2
  exit 1
}

# These characters stand for themselves, in the patterns of an ACL and in those of sed.
case $stream in
  *[!A-Za-z0-9_.:-]*) fail "STREAM: expected letters, digits, and any of _ . : -, got \"$stream\"" ;;
esac

digest() {
  password=$(head -n 1 "$secrets/$1" | tr -d '\r')
  [ -n "$password" ] || fail "$1: expected a password in the first line, got nothing"
  printf %s "$password" | sha256sum | cut -c 1-64
}
producer=$(digest redis_producer_password)
consumer=$(digest redis_consumer_password)
operator=$(digest redis_operator_password)

if grep -q '^development-only-' "$secrets"/redis_*_password; then
  echo 'start.sh: a password is one that everybody can read in the repository: for development only' >&2
fi

(
  umask 077
  sed -e '/^#/d' -e "s/%stream%/$stream/g" \
    -e "s/%producer%/$producer/" -e "s/%consumer%/$consumer/" -e "s/%operator%/$operator/" \
    "$here/users.acl" >"$acl_file"
)
exec "$@" --aclfile "$acl_file"
