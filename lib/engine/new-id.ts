/** New record ids; where an idempotency key decides the partition, one that falls into it. */
import { partitionOf } from '../runtime/partition.ts'
import type { Random } from '../runtime/random.ts'

/** Takes about `partitions` draws where the partition is given. */
export function newId(random: Random, partitions: number, wanted: number | undefined): string {
  for (;;) {
    const id = random.id()
    if (wanted === undefined || partitionOf(id, partitions) === wanted) return id
  }
}
