# Sourced by ./dev and scripts/run.sh. Builds the desktop program with its pages inside, and shows its window.

DESKTOP_HELP="./dev desktop [--release]   builds TARGET/debug/loopwright (or release), and the daemon that it starts beside it"

desktop() {
  BUILD=debug
  case ${1:-} in
    "") ;;
    --release) BUILD=release ;;
    *) echo "$DESKTOP_HELP"; return ;;
  esac
  setup desktop
  build_desktop || fail "the desktop program could not be built" "read the error above"
  build_ui --release
  local flags=(--package daemon --bin loopwrightd)
  [ "$BUILD" = debug ] || flags+=(--release)
  cargo build --quiet "${flags[@]}" || fail "the daemon could not be built" "read the error above"
  say "  $DESKTOP"
}

build_desktop() {
  local started flags=(--package desktop --bin loopwright); started=$(tenths)
  build_ui --desktop --release
  [ "$BUILD" = debug ] || flags+=(--release)
  cargo build --quiet "${flags[@]}" || return
  DESKTOP=$TARGET/$BUILD/loopwright
  say "  desktop    $DESKTOP, $(seconds_since "$started")"
}

# For `./dev run`: where the window cannot be built, the dashboard is shown as ever.
prepare_window() {
  if (part desktop desktop_part) && build_desktop; then
    WINDOW=1
  else
    say "  the window could not be built; the dashboard is shown instead (./dev desktop says why)"
  fi
}

show_window() {
  LOOPWRIGHT_DAEMON=$DAEMON LOOPWRIGHT_HOME=$RUN_HOME LOOPWRIGHT_NODE=$NODE_BIN "$DESKTOP" </dev/null & SHOWN=$!
}
