#!/bin/sh
# Puts Python and pip where the official image has them. mmdebstrap gives the root as $1.
set -eu
# shellcheck disable=SC2016
chroot "$1" sh -euc '
  library=/usr/local/lib/$(basename "$(readlink -f /usr/bin/python3)")
  bundled=$library/ensurepip/_bundled
  mkdir -p "$bundled" "$library/site-packages"
  mv /usr/share/python-wheels/pip-*.whl "$bundled"
  python3 -m zipfile -e "$bundled"/pip-*.whl "$library/site-packages"
  echo "$library/site-packages" > /usr/lib/python3/dist-packages/site-packages.pth
  ln -s /usr/bin/python3 /usr/local/bin/python3
  printf "#!/bin/sh\nexec python3 -m pip \"\$@\"\n" > /usr/local/bin/pip
  chmod +x /usr/local/bin/pip
'
