#!/bin/sh
# Starts a Redis of Till in its container: start-redis.sh alone | replicated | sentinel | clustered
#
#   alone        one server (docker-compose.yml)
#   replicated   one of a primary and its replicas, which Sentinels watch (docker-compose-medium.yml)
#   sentinel     a Sentinel of all databases
#   clustered    a node of a Redis Cluster (docker-compose-large.yml); make-cluster.sh joins them
#
# Promise: a write that was acknowledged is on the disk, and where there are replicas on another
# machine too; nothing is ever evicted: a full server refuses writes. Passwords are in no command line
# and in no file, but for that of a Sentinel, which writes its own configuration.
#
# Reads REDIS_MEMORY (the limit of the container: a number and m or g), REDIS_PASSWORD (of the
# service), REDIS_OPERATOR_PASSWORD (of other Redis servers, Sentinels and people), REDIS_SENTINEL_NAME
# (of this group), REDIS_FIRST_PRIMARY (its address), SENTINELS (their hosts), REDIS_ANNOUNCE_IP (where
# Sentinels find one another), DATABASES (GROUP=ADDRESS of each that a Sentinel watches),
# REDIS_SENTINEL_PASSWORD (of services that ask one). Replicated servers have fixed addresses: a
# Sentinel that had to look up the name of one that is gone would stand still as long as Docker takes
# to say that there is none.
set -eu
role=$1
operator=${REDIS_OPERATOR_PASSWORD:-}
case $REDIS_MEMORY in
  *[0-9]m) limit_mb=${REDIS_MEMORY%m} ;;
  *[0-9]g) limit_mb=$((${REDIS_MEMORY%g} * 1024)) ;;
  *) echo "start-redis.sh: REDIS_MEMORY=$REDIS_MEMORY: must be a number and m or g" >&2 && exit 2 ;;
esac

# ACL takes a password as its hash, so no sign in it needs quoting.
hash_of() { printf %s "$1" | sha256sum | cut -c 1-64; }

# Of the memory. The rest is for the child that rewrites the log, and for clients. Without a limit of
# its own a full Redis would be ended by the kernel, and again whenever it has read its log.
data_percent=60

# What every server says. The service may do anything with its data and nothing with the server; it
# reads the settings to tell whether they keep its promise.
server() {
  cat <<END
port 6379
dir /data
protected-mode no
save ""
appendonly yes
appendfsync always
maxmemory $((limit_mb * data_percent / 100))mb
maxmemory-policy noeviction
acllog-max-len 16
user default on #$(hash_of "$REDIS_PASSWORD") ~* &* +@all -@admin -@dangerous +info +role +config|get +client|kill
END
  [ -z "$operator" ] || echo "user operator on #$(hash_of "$operator") ~* &* +@all"
}

# A primary without any replica that follows it takes no writes.
replication() {
  cat <<END
masteruser operator
masterauth "$operator"
min-replicas-to-write 1
min-replicas-max-lag 3
repl-diskless-sync-delay 0
repl-timeout 10
END
}

ask_sentinel() {
  REDISCLI_AUTH=$operator timeout 2 redis-cli --no-auth-warning --user operator -h "$1" -p 26379 \
    --raw sentinel "$2" "$REDIS_SENTINEL_NAME" 2>/dev/null
}

# Who the Sentinels say is the primary; the first of the group where none knows. While they are
# moving it elsewhere the old one must not come back as one, so that is waited for.
primary() {
  for _ in $(seq 20); do
    for sentinel in $SENTINELS; do
      flags=$(ask_sentinel "$sentinel" master | grep -A 1 '^flags$' | tail -1) || continue
      case $flags in
        *failover* | *_down*) sleep 1 && continue 2 ;;
        *master*) ask_sentinel "$sentinel" get-master-addr-by-name | head -1 && return ;;
      esac
    done
    break
  done
  echo "$REDIS_FIRST_PRIMARY"
}

case $role in
  alone)
    exec redis-server - <<END
$(server)
END
    ;;
  replicated)
    primary=$(primary)
    following=
    hostname -i | grep -qwF "$primary" || following="replicaof $primary 6379"
    exec redis-server - <<END
$(server)
$(replication)
$following
END
    ;;
  clustered)
    # The others may have other addresses than when this file was written.
    nodes=/data/nodes.conf
    if [ -e $nodes ]; then
      for name in $(sed -n 's/^[0-9a-f]* [^ ,]*,\([a-z0-9-]*\).*/\1/p' $nodes); do
        address=$(getent hosts "$name" | cut -d ' ' -f 1) || continue
        sed -i "s/^\([0-9a-f]*\) [^ ]*:\([0-9]*@[0-9]*,$name[ ,]\)/\1 $address:\2/" $nodes
      done
    fi
    exec redis-server - <<END
$(server)
$(replication)
cluster-enabled yes
cluster-config-file $nodes
cluster-node-timeout 3000
cluster-require-full-coverage no
cluster-announce-hostname $(hostname)
cluster-preferred-endpoint-type hostname
END
    ;;
  sentinel)
    # A Sentinel keeps what it has learnt in its configuration.
    if [ ! -e /data/sentinel.conf ]; then
      {
        cat <<END
port 26379
dir /data
protected-mode no
user default on #$(hash_of "$REDIS_SENTINEL_PASSWORD") &* -@all +auth +hello +ping +role +info +client +subscribe +psubscribe +unsubscribe +punsubscribe +sentinel|get-master-addr-by-name +sentinel|sentinels +sentinel|replicas +sentinel|slaves +sentinel|master +sentinel|masters
user operator on #$(hash_of "$operator") ~* &* +@all
sentinel announce-ip $REDIS_ANNOUNCE_IP
sentinel sentinel-user operator
sentinel sentinel-pass $operator
END
        for database in $DATABASES; do
          name=${database%=*}
          cat <<END
sentinel monitor $name ${database#*=} 6379 2
sentinel auth-user $name operator
sentinel auth-pass $name $operator
sentinel down-after-milliseconds $name 3000
sentinel failover-timeout $name 10000
sentinel parallel-syncs $name 2
END
        done
      } >/data/sentinel.new
      mv /data/sentinel.new /data/sentinel.conf
    fi
    exec redis-sentinel /data/sentinel.conf
    ;;
  *)
    echo "start-redis.sh: no such role: $role" >&2
    exit 2
    ;;
esac
