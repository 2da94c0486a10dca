#!/bin/sh
# Names the tools that engines on this machine need and that are not there, before anything is installed; exits 3 then.
# In the words of startEngines in engines.ts, as its test compares; that one decides, also whether Docker answers.
command -v docker >/dev/null && exit 0

missing=
need() {
  command -v "$1" >/dev/null || missing="$missing$1 is missing: $2
"
}

if [ -z "${KAFKA_BROKERS+given}" ] || [ -z "${SCHEMA_REGISTRY_URL+given}" ]; then
  need java 'install Java 17 or newer (Debian: apt-get install -y openjdk-17-jre-headless)'
  need mvn 'install Maven (Debian: apt-get install -y maven)'
fi
[ -n "${SCHEMA_REGISTRY_URL+given}" ] || need tar 'install tar'
[ -n "${MONGODB_URL+given}" ] || need go 'install Go 1.21 or newer (Debian: apt-get install -y golang-go)'
if [ -z "${REDIS_URL+given}" ] && ! { command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; }; then
  need redis-server 'install it (Debian: apt-get install -y redis-server), or set REDIS_URL to one that runs'
fi

[ -z "$missing" ] && exit 0
printf %s "$missing" >&2
exit 3
