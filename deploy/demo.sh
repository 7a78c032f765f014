#!/usr/bin/env bash
# A whole farm on this machine, one real model on its way through it, and nothing left behind. `make demo` runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
environment=$(realpath "${VENV:-.venv}")
folder=$(mktemp -d "${TMPDIR:-/tmp}/farm-demo-XXXXXX")
farm_pid=

finish() {
    status=$?
    trap - EXIT
    if [ -n "$farm_pid" ] && kill -TERM "$farm_pid" 2>/dev/null; then wait "$farm_pid" || true; fi
    rm -rf "$folder"
    [ "$status" -eq 0 ] || printf '\nThe demo failed with status %s.\n' "$status" >&2
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nothing of this user's own farm takes part.
unset FARM_URL FARM_TOKEN FARM_PROFILE FARM_DATABASE_URL FARM_BROKER_URL
export FARM_CONFIG="$folder/config.toml" PATH="$environment/bin:$PATH"

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

printf 'Fetching a pre-trained model: voice activity detection, with its weights.\n'
python -m pip download -q --no-deps -d "$folder" silero-vad==6.2.3
python - "$folder" <<'PYTHON'
import sys, zipfile
from pathlib import Path

folder = Path(sys.argv[1])
(wheel,) = folder.glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    (folder / "silero_vad.onnx").write_bytes(archive.read("silero_vad/data/silero_vad.onnx"))
PYTHON

printf '\n$ farm up &\n'
farm up --data "$folder/farm" --port 0 --env-file "$folder/farm.env" 2>"$folder/farm.log" &
farm_pid=$!
until [ -s "$folder/farm.env" ]; do
    kill -0 "$farm_pid" 2>/dev/null || { cat "$folder/farm.log" >&2; exit 1; }
    sleep 0.1
done
set -a
. "$folder/farm.env"
set +a

# 32 ms of sound at 16 kHz with its context, and the state of the network before it.
submit=(farm submit "$folder/silero_vad.onnx" --targets cpu --watch
    --shapes input:1x576,state:2x1x128 --value sr=16000)
show "${submit[@]}" --max-cv 50 || {
    status=$?
    [ "$status" -eq 5 ] || exit "$status"
    printf '\nThis machine is too busy to publish times. Measured again, however far they spread:\n'
    show "${submit[@]}" --max-cv 10000
}
show farm engines list
show farm fetch silero_vad -o "$folder/engine"
show ls "$folder/engine"
show farm run "$folder/engine" --shapes input:1x576,state:2x1x128 --value sr=16000
printf '\nDone; stopping everything.\n'
