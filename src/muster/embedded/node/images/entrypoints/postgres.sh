# What the entrypoint of the image postgres does: make a database where there is none yet, then serve.
# Heeds POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, POSTGRES_INITDB_ARGS (each also as NAME_FILE),
# POSTGRES_HOST_AUTH_METHOD and PGDATA, and runs what lies in the directory of initial scripts.
#
#     postgres.sh ADDRESS DEFAULT_PGDATA INITIAL_SCRIPTS TEMPORARY [postgres] [OPTION...]
set -eu

address=$1 default=$2 scripts=$3 temporary=$4
shift 4
case ${1:-postgres} in
postgres) [ $# = 0 ] || shift ;;
-*) ;;
*) exec "$@" ;;
esac

# Give the variable $1 its value, that of the file that $1_FILE names, or $2.
value_of() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -n "$value" ] && [ -n "$file" ]; then
        echo "both $1 and $1_FILE are set, only one of them may be" >&2
        exit 1
    fi
    [ -z "$file" ] || value=$(cat "$file")
    eval "$1=\${value:-\$2}"
    export "${1?}"
    unset "$1_FILE"
}

ask() {
    psql --host="$temporary" --username="$POSTGRES_USER" --no-password --no-psqlrc --set=ON_ERROR_STOP=1 "$@"
}

run_scripts() {
    for script in "$scripts"/*; do
        case $script in
        *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
        *.sql) ask --dbname="$POSTGRES_DB" --file="$script" ;;
        *.sql.gz) gunzip -c "$script" | ask --dbname="$POSTGRES_DB" ;;
        esac
    done
}

make_database() {
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
        echo "the database is new and its superuser has no password: set POSTGRES_PASSWORD, or" \
            "POSTGRES_HOST_AUTH_METHOD=trust to let everybody in" >&2
        exit 1
    fi
    secret=$(mktemp "$temporary/XXXXXX")
    printf '%s\n' "$POSTGRES_PASSWORD" >"$secret"
    set -- --username="$POSTGRES_USER" --auth-local=trust --auth-host="$method" --no-sync
    [ -z "$POSTGRES_PASSWORD" ] || set -- "$@" --pwfile="$secret"
    # shellcheck disable=SC2086 - options, as many as there are
    initdb "$@" $POSTGRES_INITDB_ARGS
    rm -f "$secret"
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses='' -c unix_socket_directories='$temporary'" start
    if [ "$POSTGRES_DB" != postgres ]; then
        echo 'CREATE DATABASE :"name"' | ask --dbname=postgres --set=name="$POSTGRES_DB"
    fi
    run_scripts
    pg_ctl --wait --mode=fast stop
}

export PGDATA="${PGDATA:-$default}"
export LANG="${LANG:-C.UTF-8}"
value_of POSTGRES_PASSWORD ''
value_of POSTGRES_USER postgres
value_of POSTGRES_DB "$POSTGRES_USER"
value_of POSTGRES_INITDB_ARGS ''
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
if ! mkdir -p "$PGDATA" 2>/dev/null; then
    PGDATA=$temporary/pgdata
    mkdir -p "$PGDATA"
    echo "$default cannot be written; the data lies in $PGDATA and is lost with the container" >&2
fi
chmod 700 "$PGDATA" 2>/dev/null || :
[ -s "$PGDATA/PG_VERSION" ] || make_database
unset POSTGRES_PASSWORD
exec postgres "$@" -c listen_addresses="$address" -c unix_socket_directories="$temporary"
