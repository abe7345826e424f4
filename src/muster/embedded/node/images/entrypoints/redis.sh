# What the entrypoint of the image redis does, on the pod's own address:  redis.sh ADDRESS [redis-server] [OPTION...]
set -eu

address=$1
shift
case ${1:-redis-server} in
redis-server) [ $# = 0 ] || shift ;;
-* | *.conf) ;;
*) exec "$@" ;;
esac
exec redis-server "$@" --bind "$address" --protected-mode no
