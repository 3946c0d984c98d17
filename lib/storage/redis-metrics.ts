/** What the storage on Redis counts beside what every storage does. */
import { type Metric, single } from '../runtime/metric.ts'
import type { RedisCounts } from './redis-client.ts'

export const redisMetrics = (sent: RedisCounts): readonly Metric[] => [
  single('counter', 'till_redis_commands_total', 'Commands sent to Redis', () => sent.commands),
  single(
    'counter',
    'till_redis_sent_bytes_total',
    'Bytes of the commands sent to Redis',
    () => sent.bytes,
  ),
]
