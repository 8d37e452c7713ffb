# Shared by the scripts beside it: the virtual environment, and what it must hold.
# Source it from the top of the checkout.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# The newest Python on the PATH that Outkept runs on.
find_python() {
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  die "Python 3.11 or newer is needed; on Debian or Ubuntu: apt-get install python3 python3-venv"
}

# Debian packages, installed where we may, asked for where we may not.
need_debian() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "needed and not installed: ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || die "needed and not installed; run: sudo apt-get install ${missing[*]}"
  say "Installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null || die "apt-get could not install ${missing[*]}"
}

make_venv() {
  local python
  python=$(find_python) || exit 1
  [ -x .venv/bin/python ] && return
  say "Making a virtual environment in .venv"
  if ! "$python" -m venv .venv 2>/dev/null; then
    rm -rf .venv
    need_debian python3-venv
    "$python" -m venv .venv || die "$python can't make a virtual environment"
  fi
}

# install NAME PIP-ARGUMENTS…: once for each state of pyproject.toml and the dashboard's lock.
install() {
  local stamp=".venv/installed-$1" state
  shift
  state=$(cat pyproject.toml hatch_build.py dashboard/package-lock.json | sha256sum)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ] && [ -d dashboard/vendor ] && return
  say "Installing Python packages"
  # Dependency groups (PEP 735) came with pip 25.1, which is newer than Debian 12's.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
  printf '%s\n' "$state" >"$stamp"
}
