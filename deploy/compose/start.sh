#!/usr/bin/env bash
# Starts the farm of this folder: makes what secrets it lacks, the coordinator first, since it makes the tokens.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077
export FARM_SECRETS=${FARM_SECRETS:-./secrets}
mkdir -p "$FARM_SECRETS"
env_file=$FARM_SECRETS/farm.env

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose --env-file "$env_file" "$@"
    else
        docker-compose --env-file "$env_file" "$@"
    fi
}

# Kept: a database remembers the password that it was made with.
known() { [ -e "$env_file" ] && grep -q "^$1=" "$env_file"; }
for name in FARM_POSTGRES_PASSWORD FARM_REDIS_PASSWORD FARM_GRAFANA_PASSWORD; do
    known $name || echo "$name=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >>"$env_file"
done

# Nobody else reads the folder; within Prometheus's container its user must read the file.
token() { # NAME OPTIONS
    compose exec -T coordinator sh -c \
        'FARM_URL=http://127.0.0.1:8300 FARM_TOKEN=$(cat /data/admin.token) exec farm token create "$@" --json' sh "$@" |
        sed -n 's/.*"secret": *"\([^"]*\)".*/\1/p'
}

compose up -d "$@" postgres redis coordinator
for _ in $(seq 120); do
    compose exec -T coordinator farm coordinator health >/dev/null 2>&1 && break
    sleep 1
done
known FARM_WORKER_TOKEN || echo "FARM_WORKER_TOKEN=$(token worker --scope worker --device "${FARM_WORKER_NAME:-worker}")" >>"$env_file"
if [ ! -s "$FARM_SECRETS/prometheus.token" ]; then
    token prometheus --scope fetch >"$FARM_SECRETS/prometheus.token"
    chmod 644 "$FARM_SECRETS/prometheus.token"
fi
compose up -d "$@"
echo "The coordinator is at http://${FARM_ADDRESS:-127.0.0.1:8300}; an administrator's token is in /data/admin.token of its container."
