# Sourced by ./dev. Brings this machine to where the project builds and runs: each part looks first, does only what is
# missing, and can be run again at any time.

. "$REPO/scripts/node.sh"
. "$REPO/scripts/packages.sh"

# setup [tests|desktop|window]: what `./dev run` needs; with `tests`, what the test suites need besides; with `desktop`, what
# the desktop is built with; with `window`, what its tests need.
setup() {
  local started; started=$(tenths)
  umask 022
  mkdir -p "$TOOLS" || fail "cannot write to $TOOLS" "run as root, or set LOOPWRIGHT_TOOLS to a folder of yours"
  part rust rust_part
  part packages packages_part
  part node node_part
  [ "$(id -u)" = 0 ] && part users users_part
  part wasm wasm_part
  if [ "${1:-}" = tests ]; then
    part browser browser_part
    [ "$(id -u)" = 0 ] && part sshd sshd_part
    [ "$(id -u)" = 0 ] && part servers servers_part
    part nextest nextest_part
  fi
  case ${1:-} in
    desktop) part desktop desktop_part ;;
    window) part desktop desktop_part; part window window_part ;;
  esac
  say "  ready in $(seconds_since "$started")"
}

rust_part() {
  has cargo || fail "cargo is not installed" "install rustup (https://rustup.rs), or 'apt-get install rustup' where Debian has it, then run this again"
  local wanted; wanted=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' "$REPO/rust-toolchain.toml")
  if ! FOUND=$(cd "$REPO" && rustc --version 2>/dev/null); then
    has rustup || fail "rustc does not start" "install Rust $wanted"
    # Some images carry the very same compiler under another name and cannot fetch a second one.
    if RUSTUP_TOOLCHAIN=stable rustc --version 2>/dev/null | grep -q " $wanted "; then
      export RUSTUP_TOOLCHAIN=stable
    else
      say "  rust: fetching Rust $wanted"
      limited 600 rustup toolchain install "$wanted" --profile minimal --component rustfmt --component clippy >&2 ||
        fail "rustup could not install Rust $wanted" "rustup toolchain install $wanted"
    fi
    FOUND=$(cd "$REPO" && rustc --version)
  fi
}

# Agents and builds run as one user, the live sites as another, so that neither can touch what the daemon keeps.
users_part() {
  local user made=()
  for user in loopwright-agent loopwright-app; do
    id "$user" >/dev/null 2>&1 && continue
    useradd --system --user-group --no-create-home --home-dir "/var/lib/loopwright/$user" --shell /usr/sbin/nologin "$user" ||
      fail "could not create the system user $user" "useradd --system $user"
    made+=("$user")
  done
  FOUND="loopwright-agent, loopwright-app"
  [ ${#made[@]} = 0 ] || FOUND="created ${made[*]}"
}

wasm_part() {
  WASM_RUSTC=$("$REPO/scripts/wasm-target") || fail "no compiler for wasm32-unknown-unknown" "rustup target add wasm32-unknown-unknown"
  FOUND=$WASM_RUSTC
}

nextest_part() {
  if ! has cargo-nextest && [ ! -x "$TOOLS/cargo/bin/cargo-nextest" ]; then
    say "  nextest: building cargo-nextest (some minutes, once)"
    (cd "$REPO" && cargo install --quiet --locked cargo-nextest@0.9.143 --root "$TOOLS/cargo" >&2) ||
      (cd "$REPO" && cargo install --quiet cargo-nextest@0.9.143 --root "$TOOLS/cargo" >&2) ||
      fail "cargo-nextest could not be built" "cargo install cargo-nextest"
  fi
  export PATH="$PATH:$TOOLS/cargo/bin"
  FOUND=$(command -v cargo-nextest)
}
