#!/usr/bin/env bash
# Starts the CRADA example: run.sh servers|sqlite|linked. Ctrl-C ends it. See README.md.
set -euo pipefail
cd "$(dirname "$0")"
variant=${1:-}
case $variant in
  servers) peers="postgres cap sqlite" connectors="erp cmms mes-postgres" ;;
  sqlite) peers="sqlite" connectors="erp cmms mes-sqlite plm-sqlite" ;;
  linked) peers="sqlite" connectors="erp cmms mes-sqlite plm-sqlite quality" ;;
  *) echo "usage: $0 servers|sqlite|linked" >&2; exit 2 ;;
esac
root=$(cd ../../.. && pwd)
kit=${WEFT_SHARED:-$root/../shared}/peers
bin=${WEFT_BIN:-$root/target/debug}
[ -x "$kit/peers" ] || { echo "the peers kit is not at $kit: set WEFT_SHARED" >&2; exit 1; }
for program in weft weft-connector-sql; do
  [ -x "$bin/$program" ] || { echo "$bin/$program is missing: run cargo build --workspace" >&2; exit 1; }
done

mkdir -p state/log
export PEERS_STATE=$PWD/state
for peer in $peers; do "$kit/peers" up "$peer"; done

if [ "$variant" = linked ]; then
  python3 quality.py "${PEERS_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/weft-peers}/seed" state/data/sqlite/quality.sqlite
fi

if [ ! -e certs/ca.pem ]; then
  "$bin/weft" cert authority --dir certs --trust-domain weft.dev
  "$bin/weft" cert issue --dir certs --name broker --id broker --host 127.0.0.1 --host localhost
fi
for name in erp cmms mes plm quality; do
  [ -e "certs/$name.pem" ] ||
    "$bin/weft" cert issue --dir certs --name "$name" --id "connector/$name" --host 127.0.0.1 --host localhost
done

started=()
finish() {
  [ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null || true
  wait || true
  for peer in $peers; do "$kit/$peer/peer" stop || true; done
}
trap finish EXIT
trap 'exit 0' INT TERM
for name in $connectors; do
  "$bin/weft-connector-sql" "connectors/$name.toml" >"state/log/$name.log" 2>&1 &
  started+=($!)
done
"$bin/weft" serve --config "weft-$variant.toml" &
started+=($!)
wait -n "${started[@]}" || { echo "a process ended; the logs of the connectors are in state/log" >&2; exit 1; }
