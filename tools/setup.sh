#!/usr/bin/env bash
# Sees to the tools that a target needs: build (go, git, node, npm), test
# (those and Chromium) or matrix (those, Firefox, strace and Postgres). What Debian's package manager can install is installed
# when we are root; else the missing package is named.
set -euo pipefail

need() { # need COMMAND PACKAGE WHY
	command -v "$1" >/dev/null 2>&1 && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "Installing $2 ($3) …" >&2
		apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null && return
	fi
	echo "Missing: $1, needed $3. Install it, for example: sudo apt-get install $2 (macOS: brew install ${4:-$2})" >&2
	exit 1
}

command -v go >/dev/null 2>&1 || {
	echo "Missing: go (1.26 or newer). Install it from your distribution or https://go.dev/dl/" >&2
	exit 1
}
need git git "to read and write repositories"
need node nodejs "to unpack and compress the CMS bundles" node
need npm npm "to fetch the CMS bundles" node

version=$(git version | sed 's/[^0-9]*\([0-9]*\.[0-9]*\).*/\1/')
if [ "${version%%.*}" -lt 2 ] || { [ "${version%%.*}" = 2 ] && [ "${version#*.}" -lt 38 ]; }; then
	echo "git $version is too old: Gatehouse needs 2.38 or newer" >&2
	exit 1
fi

case "${1:-build}" in test | matrix)
	[ -n "${CHROMIUM:-}" ] || need chromium chromium "for the browser tests (or set CHROMIUM to a browser of that family)"
	;;
esac
if [ "${1:-build}" = matrix ]; then
	[ -n "${FIREFOX:-}" ] || need firefox-esr firefox-esr "to try the sign-in in a second engine (or set FIREFOX to its program)" firefox
fi
if [ "${1:-build}" = matrix ] && [ "$(uname)" = Linux ]; then
	need strace strace "to count what is synced to disk"
fi
if [ "${1:-build}" = matrix ]; then
	tools/postgres.sh --there || need initdb postgresql "to test the database on Postgres as well"
fi
