# $s is the hash, $n the size. Says "at N", takes the bytes from N on, and says "done PATH"; 3 no folder, 4 not stored, 6 bad.
umask 077
sum() { { sha256sum "$1" || shasum -a 256 "$1" || openssl dgst -sha256 -r "$1"; } 2>/dev/null | { read -r a b; printf %s "$a"; }; }
size() { wc -c <"$1" 2>/dev/null || echo 0; }
f=
for d in "$HOME/.loopwright-upload" "/var/tmp/loopwright-$(id -u)"; do
  mkdir -p "$d" 2>/dev/null && [ ! -L "$d" ] && [ -O "$d" ] && [ -w "$d" ] || continue
  t=$d/try.$$
  printf "#!/bin/sh\nexit 0\n" 2>/dev/null >"$t" && chmod 700 "$t" && "$t" 2>/dev/null && f=$d/$s
  r=$?; rm -f "$t"
  [ -n "$f" ] && break
  # A full disk is not a missing folder.
  [ "$r" = 126 ] || w=$d
done
[ -n "$f" ] || { [ -n "$w" ] && { echo "cannot write in $w" >&2; exit 4; }; exit 3; }
if [ -f "$f" ] && [ "$(sum "$f")" = "$s" ]; then echo "done $f"; exit 0; fi
q=$f.part
[ -L "$q" ] && rm -f "$q"
h=0; [ -f "$q" ] && h=$(size "$q")
if [ "$h" -gt "$n" ]; then rm -f "$q"; h=0; fi
echo "at $((h))"
cat >>"$q" || exit 4
h=$(size "$q")
[ "$h" -lt "$n" ] && { echo "only $((h)) of $n bytes came" >&2; exit 5; }
if [ "$(sum "$q")" != "$s" ]; then rm -f "$q"; exit 6; fi
chmod 700 "$q" && mv -f "$q" "$f" && echo "done $f" || exit 4
