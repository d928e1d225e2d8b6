#!/usr/bin/env bash
# build-guest.sh DIR OUT: builds the guest crate in DIR into the component OUT (a .wasm file).
#
# Does nothing when OUT is newer than its sources. Uses the wasm32-unknown-unknown target of the installed Rust toolchain
# where it has one; otherwise Debian's rustc-web, cargo-web, rust-web-src and lld, which it installs (and says so) when
# it runs as root.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 DIR OUT" >&2; exit 2; }
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DIR=$(cd "$1" && pwd)
OUT=$2
NAME=$(sed -n '/^\[package\]/,/^\[/s/^name = "\(.*\)"/\1/p' "$DIR/Cargo.toml")
[ -n "$NAME" ] || { echo "$DIR/Cargo.toml names no package" >&2; exit 1; }

is_fresh() {
  [ -f "$OUT" ] || return 1
  local newer
  newer=$(find "$DIR" "$ROOT/plugins-sdk/rust" "$ROOT/plugins-sdk/wit" "$ROOT/plugins-sdk/build-guest.sh" \
    "$ROOT/plugins-sdk/componentize" -name target -prune -o -type f \
    \( -name '*.rs' -o -name 'Cargo.toml' -o -name 'Cargo.lock' -o -name '*.wit' -o -name '*.sh' -o -name '*.json' \) \
    -newer "$OUT" -print -quit)
  [ -z "$newer" ]
}
is_fresh && exit 0

TARGET=wasm32-unknown-unknown
export CARGO_TARGET_DIR=$ROOT/target/guests
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC RUSTC_WRAPPER RUSTUP_TOOLCHAIN
ARGUMENTS=(build --quiet --release --locked --target "$TARGET" --manifest-path "$DIR/Cargo.toml")

has_target() { [ -d "$(rustc --print target-libdir --target "$TARGET" 2>/dev/null)" ]; }
# The Debian packages own /usr/bin/rustc and /usr/bin/cargo; a rustup toolchain comes before them in PATH.
debian_packages() {
  local package missing=()
  for package in rustc-web cargo-web rust-web-src lld; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "guests cannot be built: run 'rustup target add $TARGET', or as root 'apt-get install ${missing[*]}'" >&2
    exit 1
  fi
  echo "installing ${missing[*]} to build guests for $TARGET" >&2
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

echo "building guest $NAME" >&2
if has_target; then
  cargo "${ARGUMENTS[@]}"
else
  debian_packages
  linker=$(command -v wasm-ld || ls /usr/bin/wasm-ld-* 2>/dev/null | tail -1)
  # The standard library is built from its sources, which only an unlocked compiler does.
  (cd "$DIR" && RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
    /usr/bin/cargo "${ARGUMENTS[@]}" -Zbuild-std=std,panic_abort)
fi

MODULE=$CARGO_TARGET_DIR/$TARGET/release/${NAME//-/_}.wasm
mkdir -p "$(dirname "$OUT")"
unset CARGO_TARGET_DIR
(cd "$ROOT" && cargo build --quiet -p weft-componentize)
"${WEFT_TARGET:-$ROOT/target}/debug/weft-componentize" "$MODULE" "$OUT"
