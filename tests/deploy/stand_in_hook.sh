#!/bin/sh
# Puts Python and pip where the official image has them. mmdebstrap gives the root as $1.
set -eu
# shellcheck disable=SC2016
chroot "$1" sh -euc '
  version=$(basename "$(readlink -f /usr/bin/python3)")
  site=/usr/local/lib/$version/site-packages
  mkdir -p "$site"
  python3 -m zipfile -e /usr/share/python-wheels/pip-*.whl "$site"
  echo "$site" > /usr/lib/python3/dist-packages/site-packages.pth
  ln -s /usr/bin/python3 /usr/local/bin/python3
  rm -r /usr/share/python-wheels
'
