# Sourced by ./dev. Builds the daemon with the dashboard inside, starts the local workspace, and either shows its window
# (without a display: its dashboard) or runs one request to its end. Whatever this script started is stopped when it ends; a daemon that already served the
# home is used and left alone.

RUN_HELP="./dev run [--request TEXT] [--agent A] [--starter S] [--home DIR] [--port N] [--release]
  the workspace lives in $LOCAL_HOME unless --home or LOOPWRIGHT_HOME says otherwise"

run() {
  RUN_HOME=${LOOPWRIGHT_HOME:-$LOCAL_HOME} REQUEST= STARTER= ASK=() SERVE=() BUILD=debug
  while [ $# -gt 0 ]; do
    case $1 in
      --release) BUILD=release; shift; continue ;;
      -h | --help) echo "$RUN_HELP"; return ;;
      --request | --agent | --starter | --home | --port) [ $# -ge 2 ] || fail "$1 needs a value" "./dev run --help" ;;
      *) fail "there is no option $1" "./dev run --help" ;;
    esac
    case $1 in
      --request) [ -n "$2" ] || fail "the request is empty" './dev run --request "A page for …"'; REQUEST=$2 ;;
      --agent) ASK+=("$1" "$2") ;;
      --starter) STARTER=$2 SERVE+=("$1" "$2") ;;
      --home) RUN_HOME=$2 ;;
      --port) SERVE+=("$1" "$2") ;;
    esac
    shift 2
  done
  case $RUN_HOME in /*) ;; *) RUN_HOME=$PWD/$RUN_HOME ;; esac

  setup
  build_daemon
  WINDOW=
  [ -n "$REQUEST" ] || [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || { . "$REPO/scripts/desktop.sh"; prepare_window; }
  STARTED= FOLLOWER= NEW_HOME=
  [ -e "$RUN_HOME/journal.db" ] || NEW_HOME=1
  trap stop_what_we_started EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if serving; then
    say "  a daemon already serves $RUN_HOME: using it"
    if [ -n "$WINDOW" ]; then show_window; wait "$SHOWN" || true; return; fi
    [ -n "$REQUEST" ] || { "$DAEMON" link --home "$RUN_HOME"; return; }
  else
    start_daemon
  fi
  if [ -n "$REQUEST" ]; then first_project; project_of_starter; ask_and_keep; else keep_up; fi
}

build_daemon() {
  local started flags=(--package daemon --bins); started=$(tenths)
  build_ui --release
  [ "$BUILD" = debug ] || flags+=(--release)
  cargo build --quiet "${flags[@]}" || fail "the daemon could not be built" "read the error above"
  DAEMON=$TARGET/$BUILD/loopwrightd
  [ "$(id -u)" != 0 ] || share_daemon
  say "  build      $DAEMON, $(seconds_since "$started")"
}

# As root, agents and sites run as other users, which may not reach the target folder: they get a copy of the program.
share_daemon() {
  local shared=$RUN_HOME/bin/loopwrightd
  install -d -m 711 "$RUN_HOME"; install -d -m 755 "$RUN_HOME/bin"
  if ! cmp -s "$DAEMON" "$shared"; then
    # Renamed into place: a daemon that still runs from the old file keeps it.
    install -m 755 "$DAEMON" "$shared.next" && mv -f "$shared.next" "$shared"
  fi
  DAEMON=$shared
}

serving() { "$DAEMON" hello --home "$RUN_HOME" >/dev/null 2>&1; }

# Starts the daemon and returns when it answers: the first address that it prints is the sign that it does.
start_daemon() {
  local line log=$TARGET/local-daemon.log
  mkdir -p "$TARGET"; : >"$log"
  local pipe; pipe=$(mktemp -d); mkfifo "$pipe/out"
  # A process group of its own: Ctrl-C is for us, and we stop the daemon in order, its sites first.
  set -m
  "$DAEMON" serve --local --home "$RUN_HOME" --node "$NODE_BIN" --tools "$TOOLS" ${SERVE[@]+"${SERVE[@]}"} \
    >"$pipe/out" </dev/null 2>>"$log" & STARTED=$!
  set +m
  exec {DAEMON_OUT}<"$pipe/out"
  rm -r "$pipe"
  while IFS= read -r -t 60 -u "$DAEMON_OUT" line; do
    printf '%s\n' "$line"
    case $line in *http://*) LINK=http://${line#*http://}; LINK=${LINK%% *}; break ;; esac
  done
  if ! serving; then
    tail -n 20 "$log" >&2
    fail "the local workspace did not start" "read $log"
  fi
  # What it prints from now on is passed on as it comes; without a reader it would stop at a full pipe.
  cat <&"$DAEMON_OUT" & FOLLOWER=$!
}

keep_up() {
  say "  Ctrl-C stops it. Log: $TARGET/local-daemon.log"
  if [ -n "${WINDOW:-}" ]; then
    # The window is the workspace's: closed, this ends.
    show_window
    KEPT_UP=1
    wait "$SHOWN" || true
    return
  fi
  if [ -n "${LINK:-}" ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && has xdg-open; then xdg-open "$LINK" >/dev/null 2>&1 & fi
  KEPT_UP=1
  wait "$STARTED" || { local code=$?; STARTED=; fail "the daemon ended by itself (exit code $code)" "read $TARGET/local-daemon.log"; }
  STARTED=
}

# A new workspace makes its first project after it began to answer; what is asked before that has no place to go.
first_project() {
  [ -n "$NEW_HOME" ] || return 0
  # Read through a substitution: the follower goes on until the daemon ends, and we go on at once.
  grep -q '"project.created"' < <(limited 120 "$DAEMON" journal --follow --json --home "$RUN_HOME" 2>/dev/null) ||
    fail "the first project was not made" "read $TARGET/local-daemon.log"
}

# A new workspace begins with one project of the wanted starter; an older one may need a new project for it.
project_of_starter() {
  [ -n "$STARTER" ] && [ -z "$NEW_HOME" ] || return 0
  local found
  found=$("$DAEMON" projects --json --home "$RUN_HOME" | "$NODE_BIN/node" -e '
    const { rows } = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(rows.find(p => p.starter === process.argv[1])?.project ?? "");' "$STARTER") || found=
  [ -n "$found" ] || found=$("$DAEMON" project create "My $STARTER site" --starter "$STARTER" --home "$RUN_HOME") ||
    fail "no project could be made from the starter '$STARTER'" "./dev run without --starter"
  ASK+=(--project "$found")
}

# The result of the request is the exit code: `ask --wait` ends with 0 only when the site is live.
ask_and_keep() {
  local code=0
  # In the background and waited for, so that Ctrl-C is heard at once.
  "$DAEMON" ask "$REQUEST" --wait ${ASK[@]+"${ASK[@]}"} --home "$RUN_HOME" </dev/null & ASKING=$!
  wait "$ASKING" || code=$?
  ASKING=
  if [ "$code" != 0 ]; then
    say "  the request did not end live (exit code $code)"
    exit "$code"
  fi
  [ -z "$STARTED" ] || keep_up
}

# Stops the daemon, the edge and the sites, also when we are interrupted half-way.
stop_what_we_started() {
  local code=$?
  # What was asked for is done by then: being stopped is how this ends.
  [ -z "${KEPT_UP:-}" ] || case $code in 130 | 143) code=0 ;; esac
  trap '' INT TERM HUP
  [ -z "${ASKING:-}" ] || kill "$ASKING" 2>/dev/null || true
  [ -z "${SHOWN:-}" ] || kill "$SHOWN" 2>/dev/null || true
  if [ -n "$STARTED" ]; then
    "$DAEMON" stop --sites --home "$RUN_HOME" >>"$TARGET/local-daemon.log" 2>&1 ||
      kill -TERM "$STARTED" 2>/dev/null || true
    wait "$STARTED" 2>/dev/null || true
    [ -z "$FOLLOWER" ] || wait "$FOLLOWER" 2>/dev/null || true
    say "  stopped"
  fi
  exit "$code"
}
