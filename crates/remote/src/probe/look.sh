# Read by a POSIX shell (dash, busybox) as any user. Prints KEY=VALUE lines and changes nothing.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
p() { printf "%s=%s\n" "$1" "$2"; }
p clock "$(date +%s)"
{
p host "$(uname -n)"
p kernel "$(uname -s)"
p arch "$(uname -m)"
p uid "$(id -u)"
p user "$(id -un)"
p init "$(cat /proc/1/comm)"
o=/etc/os-release; [ -r $o ] || o=/usr/lib/os-release
if [ -r $o ]; then while IFS= read -r l || [ -n "$l" ]; do p os "$l"; done <$o; fi
p cores "$(nproc || grep -c ^processor /proc/cpuinfo)"
while read -r k v u; do case $k in MemTotal:) p memory "$v";; SwapTotal:) p swap "$v";; esac; done </proc/meminfo
for d in /var/lib /opt; do [ -d $d ] || d=/; p disk "$(df -Pk $d | tail -n 1)"; done
while read -r a m t f r; do case $m in /|/var|/opt|/usr) p mount "$m $f";; esac; done </proc/mounts
s=
if [ "$(id -u)" = 0 ]; then p sudo root
elif command -v sudo >/dev/null; then
  e=$(sudo -n true 2>&1) && { p sudo yes; s="sudo -n"; } || p sudo "no $(printf "%s" "$e" | tr "\n" " ")"
else p sudo none; fi
if command -v ss >/dev/null; then p portsby ss; $s ss -Hltnp | while IFS= read -r l; do p ss "$l"; done
else
  p portsby proc
  for f in /proc/net/tcp /proc/net/tcp6; do
    [ -r $f ] && while read -r n a b t r; do case $t in 0A) p proc "${a##*:}";; esac; done <$f
  done
fi
for c in apt-get dnf yum apk zypper pacman; do if command -v $c >/dev/null; then p packages $c; break; fi; done
for f in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
  i=$(ls -i "$f" | while read -r a b; do printf "%s" "$a"; done)
  [ -n "$i" ] && while read -r n k m w q v r; do
    case $k:$v in "->":*) ;; *:*":$i") p lock "$q $(cat "/proc/$q/comm")";; esac
  done </proc/locks
done
if command -v dpkg >/dev/null; then
  p audit "$(dpkg --audit | head -n 1)"
  for f in /var/lib/dpkg/updates/[0-9]*; do [ -e "$f" ] && p audit "unfinished"; done
fi
[ -r /etc/ufw/ufw.conf ] && while IFS= read -r l; do case $l in ENABLED=yes) p firewall ufw;; esac; done </etc/ufw/ufw.conf
if command -v systemctl >/dev/null; then for u in firewalld nftables; do systemctl -q is-active $u && p firewall $u; done; fi
p proxy "${https_proxy:-${HTTPS_PROXY:-${http_proxy:-$HTTP_PROXY}}}"
[ -r /etc/environment ] && while IFS= read -r l; do case $l in *_proxy=*|*_PROXY=*) p proxy "${l#*=}";; esac; done </etc/environment
grep -rhsi "^ *acquire::https\{0,1\}::proxy" /etc/apt/apt.conf /etc/apt/apt.conf.d | while read -r k v; do p proxy "$v"; done
while read -r f d g r; do case $d in 00000000) p ipv4 yes;; esac; done </proc/net/route
[ -r /proc/net/ipv6_route ] && while read -r d l r; do
  case "$d $l $r" in "00000000000000000000000000000000 00 "*" lo") ;; "00000000000000000000000000000000 00 "*) p ipv6 yes;; esac
done </proc/net/ipv6_route
if command -v timedatectl >/dev/null; then p synced "$(timedatectl show -p NTPSynchronized --value)"; fi
c=/opt/loopwright/current
if [ -e $c/loopwrightd ]; then
  p installed "$(readlink $c)"
  p sha256 "$(sha256sum $c/loopwrightd)"
  p setup "$($s grep "\"event\":\"finished\"" /var/lib/loopwright/setup/journal.jsonl | grep -v "\"work\":\"begin\"" | tail -n 1)"
fi
} 2>/dev/null
true
