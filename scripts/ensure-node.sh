#!/bin/sh
# Before anything runs on the Node that the clone brings: from 26 on its program needs libatomic, which
# the smallest Debian systems lack. Shell, because no Node may be able to start. Asks nothing.

starts() { node --version >/dev/null 2>&1; }
starts && exit 0

install() {
  echo "holdfast: installing libatomic1, which Node needs"
  "$@" apt-get update -qq
  "$@" apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=60 libatomic1 >/dev/null
}
if command -v apt-get >/dev/null; then
  if [ "$(id -u)" = 0 ]; then install env DEBIAN_FRONTEND=noninteractive
  elif sudo -n true 2>/dev/null; then install sudo -n env DEBIAN_FRONTEND=noninteractive
  fi
fi
starts && exit 0

echo "holdfast: the bundled Node cannot be started:" >&2
node --version >&2
echo "  as root: apt-get install libatomic1 (dnf install libatomic, apk add libatomic)" >&2
exit 69
