# Sourced by ./dev. Makes what is given on: the server's program for every Linux, and the desktop's installers for this
# system. All of it ends up in TARGET/bundle. docs/release.md says how a release is made of it.

. "$REPO/scripts/bundle-tools/parts.sh"

BUNDLE_HELP="./dev bundle [servers|check|FORMAT…]
  servers   TARGET/bundle/servers: loopwrightd-x86_64 and loopwrightd-aarch64, static, with their SHA256SUMS
  FORMAT…   installers of the desktop into TARGET/bundle/desktop: deb, appimage; app, dmg; nsis. With the servers'
            programs inside, which are made first where there are none
  check     only type-checks the desktop for Windows and macOS
  nothing   the servers' programs and this system's usual installer"
BUNDLE=$TARGET/bundle
# The oldest system that the .deb is for is Debian 12; what is built against a newer libc does not start there.
OLDEST_GLIBC=2.36

bundle() {
  case ${1:-} in
    "") bundle_servers; bundle_desktop "$(usual_installer)" ;;
    servers) bundle_servers ;;
    deb | appimage | app | dmg | nsis) [ -f "$BUNDLE/servers/SHA256SUMS" ] || bundle_servers; bundle_desktop "$@" ;;
    check) . "$REPO/scripts/bundle-check.sh"; check_elsewhere ;;
    *) echo "$BUNDLE_HELP" ;;
  esac
}

usual_installer() { case $(uname -s) in Linux) echo deb ;; Darwin) echo dmg ;; *) echo nsis ;; esac; }

# Static, with musl: nothing of the server's system is used but its kernel. The C in it is compiled by zig, which brings the
# headers and the start-up code of both processors.
bundle_servers() {
  local arch started folder=$BUNDLE/servers
  setup
  part zig zig_part
  build_ui --release
  rm -rf "$folder.next"; mkdir -p "$folder.next"
  for arch in x86_64 aarch64; do
    started=$(tenths)
    std_for "$arch-unknown-linux-musl"
    static_daemon "$arch-unknown-linux-musl" || fail "the server's program for $arch could not be built" "read the error above"
    install -m 755 "$TARGET/$arch-unknown-linux-musl/release/loopwrightd" "$folder.next/loopwrightd-$arch"
    is_static "$folder.next/loopwrightd-$arch" || fail "loopwrightd-$arch needs a loader" "read: readelf -l $folder.next/loopwrightd-$arch"
    say "  $arch     $(megabytes "$folder.next/loopwrightd-$arch"), $(seconds_since "$started")"
  done
  (cd "$folder.next" && sha256 loopwrightd-aarch64 loopwrightd-x86_64 >SHA256SUMS)
  rm -rf "$folder"; mv "$folder.next" "$folder"
  say "  $folder"
}

# Paths of this machine are no part of what is given on, but for those that the pages inside have from their crates.
static_daemon() { # TARGET
  local cargo_home=${CARGO_HOME:-$HOME/.cargo}
  CARGO_ZIGBUILD_PYTHON_PATH=$ZIG/bin/python PATH=$ZIG/bin:$PATH \
    RUSTFLAGS="--remap-path-prefix=$REPO=/loopwright --remap-path-prefix=$cargo_home=/cargo" \
    cargo-zigbuild zigbuild --quiet --locked --release --package daemon --bin loopwrightd --target "$1"
}

is_static() { ! LC_ALL=C readelf --program-headers --wide "$1" | grep -q INTERP; }

std_for() { # TARGET
  local folder; folder=$(rustc --print target-libdir --target "$1") || return
  compgen -G "$folder/libstd-*.rlib" >/dev/null && return
  say "  rust: rustup target add $1"
  limited 300 rustup target add "$1" >&2 && compgen -G "$folder/libstd-*.rlib" >/dev/null ||
    fail "this compiler has no std for $1" "rustup target add $1"
}

bundle_desktop() { # FORMAT…
  local format name programs=$TARGET/release
  # A secret that a workflow does not have is an empty variable there.
  for name in TAURI_SIGNING_PRIVATE_KEY TAURI_SIGNING_PRIVATE_KEY_PASSWORD APPLE_CERTIFICATE APPLE_CERTIFICATE_PASSWORD \
    APPLE_SIGNING_IDENTITY APPLE_ID APPLE_PASSWORD APPLE_TEAM_ID LOOPWRIGHT_UPDATE_KEY LOOPWRIGHT_UPDATE_URL; do
    [ -n "${!name:-}" ] || unset "$name"
  done
  setup desktop
  part bundler bundler_part
  build_ui --desktop --release
  LOOPWRIGHT_SERVER_SUMS=$(native "$BUNDLE/servers/SHA256SUMS") \
    cargo build --quiet --locked --release --package desktop --bin loopwright ||
    fail "the desktop program could not be built" "read the error above"
  [ "$(uname -s)" != Linux ] || starts_on_the_oldest "$programs/loopwright"
  rm -rf "$BUNDLE/desktop"; mkdir -p "$BUNDLE/desktop"
  for format in "$@"; do installer "$format"; done
}

installer() { # FORMAT
  local started folder=$TARGET/release/bundle made; started=$(tenths)
  rm -rf "$folder"
  # What an AppImage is made with strips programs that it finds; a server's must stay what was hashed.
  (cd "$REPO/src-tauri" && NO_STRIP=true APPIMAGE_EXTRACT_AND_RUN=1 \
    "$NODE_BIN/node" "$BUNDLER" bundle --ci --bundles "$1" --config "$(with_programs "$1")" >&2) ||
    fail "the bundler could not make a $1" "read the error above"
  while IFS= read -r made; do
    cp "$made" "$BUNDLE/desktop/$(with_arch "${made##*/}")"
    case $made in *.sig) ;; *) say "  $1        $(megabytes "$made"), $(seconds_since "$started")" ;; esac
    printf '%s\n' "$BUNDLE/desktop/$(with_arch "${made##*/}")"
  done < <(find "$folder" -maxdepth 2 -type f \( -name '*.deb*' -o -name '*.AppImage*' -o -name '*.dmg' -o -name '*-setup.exe*' -o -name '*.app.tar.gz*' \))
  [ -n "$(ls "$BUNDLE/desktop")" ] || fail "the bundler made nothing" "look into $folder"
}

# The one name that the bundler gives without a version and a processor.
with_arch() { # NAME
  local arch=x64; [ "$(uname -m)" != arm64 ] || arch=aarch64
  case $1 in Loopwright.app.tar.gz*) echo "Loopwright_$(version)_$arch${1#Loopwright}" ;; *) echo "$1" ;; esac
}
version() { sed -n 's/^version = "\(.*\)"/\1/p' "$REPO/Cargo.toml" | head -1; }

# What lies beside the desktop program and how it is signed, as the bundler wants to be told. On Linux the daemon of this
# computer is the very program that a server with its processor gets; a package needs it once.
with_programs() { # FORMAT
  local servers=$BUNDLE/servers host own= file words=
  host=$(rustc --version --verbose | sed -n 's/^host: //p')
  if [ "$(uname -s)" = Linux ]; then
    own=loopwrightd-${host%%-*}
    mkdir -p "$BUNDLE/local"
    install -m 755 "$servers/$own" "$BUNDLE/local/loopwrightd-$host"
    words="\"externalBin\": [\"$BUNDLE/local/loopwrightd\"], "
    # What makes an AppImage may change programs that it finds beside the first one.
    [ "$1" = deb ] || own=
  fi
  if [ -n "${LOOPWRIGHT_WINDOWS_CERTIFICATE:-}" ]; then
    words="$words\"windows\": { \"certificateThumbprint\": \"$LOOPWRIGHT_WINDOWS_CERTIFICATE\", \"digestAlgorithm\": \"sha256\", \"timestampUrl\": \"${LOOPWRIGHT_TIMESTAMP_URL:-}\" }, "
  fi
  [ -z "${TAURI_SIGNING_PRIVATE_KEY:-}" ] || words="$words\"createUpdaterArtifacts\": true, "
  words="$words\"resources\": { "
  for file in "$servers"/*; do
    [ "${file##*/}" = "$own" ] || words="$words\"$(native "$file")\": \"servers/${file##*/}\", "
  done
  printf '{ "bundle": { %s } }, "plugins": { "updater": { "pubkey": "%s" } } }' "${words%, }" "${LOOPWRIGHT_UPDATE_KEY:-}"
}

# A path as this system's own programs write it.
native() { if has cygpath; then cygpath -m "$1"; else printf '%s' "$1"; fi; }

starts_on_the_oldest() { # PROGRAM
  local newest; newest=$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | cut -d_ -f2 | sort -uV | tail -1)
  [ "$(printf '%s\n' "$newest" "$OLDEST_GLIBC" | sort -V | tail -1)" = "$OLDEST_GLIBC" ] ||
    fail "${1##*/} needs glibc $newest; Debian 12 has $OLDEST_GLIBC" "build it on Debian 12"
}

sha256() { if has sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
megabytes() { LC_ALL=C awk -v bytes="$(wc -c <"$1")" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }
