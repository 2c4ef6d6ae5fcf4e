#!/usr/bin/env bash
# Runs a command beside a Postgres server of its own, which ends with it:
#
#   tools/postgres.sh go test ./internal/store
#
# The server lies in a temporary directory and listens on a socket there alone.
# Its address is in GATEHOUSE_TEST_POSTGRES. Without Postgres on this machine the
# command is left out, with a notice. With --there it only says by its status
# whether there is one.
set -euo pipefail

bin=
for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin | sort -rV) $(tr : ' ' <<<"$PATH"); do
	[ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && bin=$dir && break
done
[ "${1:-}" != --there ] || exec test -n "$bin"
if [ -z "$bin" ]; then
	echo "NOTICE: Postgres is not installed, so its tests are left out (sudo apt-get install postgresql, or brew install postgresql)." >&2
	exit 0
fi

work=$(mktemp -d /tmp/gatehouse-pg.XXXXXX) # a socket's path must be short
as=()
if [ "$(id -u)" = 0 ]; then # Postgres does not run as root
	user=$(id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody)
	chown "$user" "$work"
	as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
fi
quietly() { (cd "$work" && ${as[@]+"${as[@]}"} "$@") >>"$work.log" 2>&1; }
end() {
	quietly "$bin/pg_ctl" -D "$work/data" -m immediate stop || true
	rm -rf "$work" "$work.log"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The order of texts is a natural language's, so that what relies on the order of
# bytes is found out. Releases before 15 have no such order.
make() { quietly "$bin/initdb" -D "$work/data" --username=tests --pwfile="$work/password" --auth=scram-sha-256 --no-sync --encoding=UTF8 --locale=C "$@"; }
head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$work/password"
chmod 644 "$work/password"
make --locale-provider=icu --icu-locale=en || { rm -rf "$work/data" && make; } || { cat "$work.log" >&2; exit 1; }
options="-c listen_addresses='' -c unix_socket_directories=$work -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off -c max_connections=300"
quietly "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "$options" start || { cat "$work.log" "$work/log" >&2; exit 1; }

GATEHOUSE_TEST_POSTGRES="postgres://tests:$(cat "$work/password")@/postgres?host=$work" "$@"
