/**
 * The settings of what stands under the ports: which storage and bus, and how Redis and Kafka are
 * reached. An empty text means: not used.
 */
import { flag, label, oneOf, type Setting, setting, whole, words } from './setting.ts'

export const engineSettings = {
  storage: setting(
    'STORAGE',
    oneOf(['lmdb', 'redis', 'memory'], 'lmdb'),
    'database under each service',
  ),
  bus: setting('BUS', oneOf(['local', 'kafka'], 'local'), 'bus between the services'),
  instance: setting(
    'INSTANCE',
    words(''),
    'name of this instance among all of its service; empty: the name of the host',
  ),
  redisHost: setting('REDIS_HOST', words('localhost'), 'host of the Redis of this service'),
  redisPort: setting('REDIS_PORT', whole(1, 65_535, 6_379), 'port of that Redis'),
  redisDb: setting('REDIS_DB', whole(0, 1_000_000, 0), 'number of the database in that Redis'),
  redisUsername: setting('REDIS_USERNAME', words(''), 'ACL user of that Redis'),
  redisPassword: setting('REDIS_PASSWORD', words(''), 'password of that user'),
  redisTls: setting('REDIS_TLS', flag(false), 'whether Redis is spoken to over TLS'),
  redisTlsCa: setting('REDIS_TLS_CA', words(''), 'file with the certificates to trust for it'),
  redisSentinels: setting(
    'REDIS_SENTINELS',
    words(''),
    'host:port,... of the Sentinels that know the primary; then REDIS_HOST is not used',
  ),
  redisSentinelName: setting('REDIS_SENTINEL_NAME', words(''), 'what Sentinel calls that primary'),
  redisSentinelPassword: setting('REDIS_SENTINEL_PASSWORD', words(''), 'password of the Sentinels'),
  redisCluster: setting(
    'REDIS_CLUSTER',
    words(''),
    'host:port,... of some nodes of a Redis Cluster; then REDIS_HOST is not used',
  ),
  redisWaitReplicas: setting(
    'REDIS_WAIT_REPLICAS',
    whole(0, 10, 0),
    'replicas that must have a write before it counts',
  ),
  redisWaitMs: setting('REDIS_WAIT_MS', whole(10, 60_000, 1_000), 'ms that they are waited for'),
  redisPatienceMs: setting(
    'REDIS_PATIENCE_MS',
    whole(100, 60_000, 2_000),
    'ms that a request waits for a Redis that is away or silent',
  ),
  kafkaBrokers: setting(
    'KAFKA_BROKERS',
    words('localhost:9092'),
    'host:port,... of some brokers of the bus',
  ),
  kafkaPrefix: setting(
    'KAFKA_PREFIX',
    label('till'),
    'first part of the names of topics and groups; one for each shop on the same brokers',
  ),
  kafkaInboxes: setting(
    'KAFKA_INBOXES',
    whole(1, 1_024, 32),
    'partitions for answers; twice as many as instances of order at least, or they share them',
  ),
  kafkaReplication: setting(
    'KAFKA_REPLICATION',
    whole(1, 10, 1),
    'copies of each topic partition, when topics are created',
  ),
  kafkaSaslMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    oneOf(['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], 'none'),
    'how this service says to Kafka who it is',
  ),
  kafkaUsername: setting('KAFKA_USERNAME', words(''), 'user of the bus'),
  kafkaPassword: setting('KAFKA_PASSWORD', words(''), 'password of that user'),
  kafkaTls: setting('KAFKA_TLS', flag(false), 'whether Kafka is spoken to over TLS'),
  kafkaTlsCa: setting('KAFKA_TLS_CA', words(''), 'file with the certificates to trust for it'),
  kafkaSessionMs: setting(
    'KAFKA_SESSION_MS',
    whole(500, 60_000, 2_000),
    'ms of silence after which an instance loses its partitions; the broker must allow it',
  ),
} as const satisfies Record<string, Setting>
