# Sourced by scripts/setup.sh and scripts/wasm-target. What the system's package manager gives: only what is missing is
# installed, by name, and quietly unless it fails.

packages_part() {
  FOUND="git, a C compiler"
  local missing=()
  has git || missing+=(git)
  { has cc || has gcc; } && { [ "$(uname -s)" != Linux ] || [ -f /usr/include/stdio.h ]; } || missing+=(gcc libc6-dev)
  if [ "$(uname -s)" = Linux ]; then
    has pkg-config || missing+=(pkg-config)
    has setpriv && has prlimit && has unshare || missing+=(util-linux)
    has ip || missing+=(iproute2)
    FOUND="git, a C compiler, util-linux, iproute2"
  fi
  install_packages ${missing[@]+"${missing[@]}"}
}

browser_part() {
  local missing=()
  if ! has chromium && ! has google-chrome; then missing+=(chromium); fi
  has chromedriver || missing+=(chromium-driver)
  install_packages ${missing[@]+"${missing[@]}"}
  FOUND="$( (command -v chromium || command -v google-chrome) 2>/dev/null), $(command -v chromedriver)"
}

# What the throw-away servers of the tests are made with (crates/testkit/src/server says what each is for).
servers_part() {
  local missing=()
  has mmdebstrap || missing+=(mmdebstrap)
  has systemd-nspawn || missing+=(systemd-container)
  has nft || missing+=(nftables)
  has ip && has tc || missing+=(iproute2)
  has ssh && has ssh-keygen || missing+=(openssh-client)
  has mkfs.ext4 || missing+=(e2fsprogs)
  # A certificate authority, and its visitors.
  has pebble || missing+=(pebble)
  has curl || missing+=(curl)
  has nsenter && has taskset && has setsid || missing+=(util-linux)
  install_packages ${missing[@]+"${missing[@]}"}
  FOUND="mmdebstrap, systemd-nspawn, nft"
}

# A real sshd and sudo, which the tests of `remote` start in namespaces of their own.
sshd_part() {
  local missing=()
  [ -x /usr/sbin/sshd ] || missing+=(openssh-server)
  has ssh-keygen || missing+=(openssh-client)
  has sudo || missing+=(sudo)
  # The package would also put it into service, which is for the machine's owner to decide.
  if [ ${#missing[@]} -gt 0 ] && [ -d /run/systemd/system ]; then
    fail "missing: ${missing[*]}" "apt-get install ${missing[*]}   (and 'systemctl disable --now ssh' if nobody is to log in here)"
  fi
  install_packages ${missing[@]+"${missing[@]}"}
  FOUND=/usr/sbin/sshd
}

# What the desktop's window is built with. Elsewhere than on Linux the system has its own webview.
desktop_part() {
  FOUND="the system's own webview"
  [ "$(uname -s)" = Linux ] || return 0
  local missing=() library
  for library in webkit2gtk-4.1 gtk+-3.0 librsvg-2.0 ayatana-appindicator3-0.1; do
    pkg-config --exists "$library" 2>/dev/null && continue
    case $library in
      webkit2gtk-4.1) missing+=(libwebkit2gtk-4.1-dev) ;;
      gtk+-3.0) missing+=(libgtk-3-dev) ;;
      librsvg-2.0) missing+=(librsvg2-dev) ;;
      ayatana-appindicator3-0.1) missing+=(libayatana-appindicator3-dev) ;;
    esac
  done
  has xdg-open || missing+=(xdg-utils)
  install_packages ${missing[@]+"${missing[@]}"}
  FOUND="WebKitGTK $(pkg-config --modversion webkit2gtk-4.1 2>/dev/null)${FOUND#"the system's own webview"}"
}

# A display and a session bus of its own for the window's tests, and WebKit's driver.
window_part() {
  local missing=()
  has WebKitWebDriver || missing+=(webkit2gtk-driver)
  has xvfb-run || missing+=(xvfb xauth)
  has dbus-run-session || missing+=(dbus)
  [ -d /usr/share/fonts/truetype/dejavu ] || missing+=(fonts-dejavu-core)
  install_packages ${missing[@]+"${missing[@]}"}
  FOUND="$(command -v WebKitWebDriver), $(command -v xvfb-run)"
}

install_packages() { # PACKAGE…
  [ $# -gt 0 ] || return 0
  has apt-get || fail "missing: $*" "install them with this system's package manager, then run this again"
  [ "$(id -u)" = 0 ] || has sudo || fail "missing: $*" "as root: apt-get install $*"
  say "  packages: installing $*"
  # The lists of a fresh image may be old or empty: they are fetched only when the first try shows it.
  apt_quietly install --no-install-recommends "$@" || { apt_quietly update && apt_quietly install --no-install-recommends "$@"; } || {
    cat "$APT_LOG" >&2
    fail "apt-get could not install $*" "apt-get update && apt-get install $*"
  }
  rm -f "$APT_LOG"
  FOUND="${FOUND:-}; installed: $*"
}

apt_quietly() {
  APT_LOG=${APT_LOG:-$(mktemp)}
  ${SUDO[@]+"${SUDO[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" >"$APT_LOG" 2>&1 </dev/null
}
