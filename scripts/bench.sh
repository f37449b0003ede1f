# Sourced by ./dev. Runs the benches: each prints its table and writes TARGET/bench/NAME.json. They are a program of the
# workspace, built optimised like what it measures, because a figure of a debug build says nothing. The exit code is 0 only
# if every figure could be measured and holds. Options of a bench (`memory` has --sets, --set, --lightrag and --models) are
# words with a value after them; folders are named from the repository's.

BENCHES=(spine memory agents server deploy hermes)

bench() { # [NAME…] [--OPTION VALUE…]
  local name known
  local -a wanted=() options=()
  while [ $# -gt 0 ]; do
    case $1 in
      --*) [ $# -gt 1 ] || fail "$1 needs a value" "./dev bench memory $1 FOLDER"; options+=("$1" "$2"); shift 2 ;;
      *) wanted+=("$1"); shift ;;
    esac
  done
  [ ${#wanted[@]} -gt 0 ] || wanted=("${BENCHES[@]}")
  for name in "${wanted[@]}"; do
    known=; for known in "${BENCHES[@]}" ''; do [ "$known" != "$name" ] || break; done
    [ -n "$known" ] || fail "there is no bench '$name'" "./dev bench ${BENCHES[*]}"
  done
  setup
  # A throw-away server takes root, a window takes a webview and a display: where there is none, its rows say so.
  case " ${wanted[*]} " in *" server "*)
    [ "$(id -u)" = 0 ] && part servers servers_part
    part desktop desktop_part; part window window_part ;;
  esac
  build_benches "${wanted[@]}"
  # The real agents, at the tested versions: a few hundred megabytes, once.
  case " ${wanted[*]} " in *" agents "*) "$REPO/scripts/agent-clis/install" "$TOOLS" "$NODE_BIN" || fail "the agents' programs could not be installed" "read the error above" ;; esac
  say "  $(nproc 2>/dev/null || echo '?') processors, load $(uptime | sed 's/.*load average[s]*: *//')"
  LOOPWRIGHT_TOOLS=$TOOLS LOOPWRIGHT_NODE=$NODE_BIN LOOPWRIGHT_BENCH_OUT=$TARGET/bench LOOPWRIGHT_BENCH_UI=$REPO/ui/dist "$TARGET/release/loopwright-bench" "${wanted[@]}" "${options[@]}"
}

build_benches() { # NAME…
  local started; started=$(tenths)
  # The dashboard first: the daemon is built with it inside.
  build_ui --release
  cargo build --quiet --release --package daemon --package bench --bins &&
    cargo build --quiet --release --package deploy --example switch_load ||
    fail "the benches could not be built" "read the error above"
  case " $* " in *" server "*)
    build_ui --desktop --release
    cargo build --quiet --release --package testkit --bin throwaway && cargo build --quiet --release --package desktop --bin loopwright ||
      fail "the desktop program could not be built" "read the error above" ;;
  esac
  say "  build      $TARGET/release, $(seconds_since "$started")"
}
