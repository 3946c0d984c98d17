/** Which partition a record lives in: FNV-1a of its id, modulo the number of partitions. */
export function partitionOf(id: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index++) {
    hash ^= id.charCodeAt(index)
    hash = Math.imul(hash, 0x01000193)
  }
  return (hash >>> 0) % partitions
}
