# Sourced by ./dev and scripts/*.sh. What lives here: how the scripts talk (on stderr, so that stdout stays the result),
# where things are kept on this machine, and nothing else.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ "$(id -u)" = 0 ]; then
  TOOLS=${LOOPWRIGHT_TOOLS:-/opt/loopwright/tools}
  LOCAL_HOME=/var/lib/loopwright/local
  SUDO=()
else
  TOOLS=${LOOPWRIGHT_TOOLS:-${XDG_DATA_HOME:-$HOME/.local/share}/loopwright/tools}
  LOCAL_HOME=${XDG_DATA_HOME:-$HOME/.local/share}/loopwright/local
  SUDO=(sudo)
fi
TARGET=${CARGO_TARGET_DIR:-$REPO/target}
case $TARGET in /*) ;; *) TARGET=$REPO/$TARGET ;; esac
export LOOPWRIGHT_TOOLS=$TOOLS

# say TEXT: one line of progress.
say() { printf '%s\n' "$*" >&2; }

# fail WHAT NEXT: says what happened and the one next step, and ends the script.
fail() {
  printf '\n✗ %s\n  Next step: %s\n' "$1" "$2" >&2
  exit 1
}

# Tenths of a second since the epoch; bash 3 on macOS knows whole seconds only.
tenths() {
  local at=${EPOCHREALTIME:-}
  if [ -n "$at" ]; then at=${at/[.,]/}; printf '%s' "${at%?????}"; else printf '%s0' "$(date +%s)"; fi
}
seconds_since() { local t=$(($(tenths) - $1)); printf '%d.%d s' $((t / 10)) $((t % 10)); }

# part NAME FUNCTION: runs one idempotent part of the set-up. The function leaves one line in $FOUND about what is there
# now, and says for itself what it does when that takes time.
part() {
  local started; started=$(tenths); FOUND=
  "$2"
  printf '  %-10s %-62s %s\n' "$1" "$FOUND" "$(seconds_since "$started")" >&2
}

has() { command -v "$1" >/dev/null 2>&1; }

# limited SECONDS COMMAND…: `timeout` where there is one (macOS has none).
limited() { if has timeout; then timeout "$@"; else shift; "$@"; fi; }
