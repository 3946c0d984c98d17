/** A scan of any length, a page at a time: what reads much can leave others their turn between. */
import type { ScanOptions, Storage, StoredEntry } from './storage.ts'

/**
 * Pages of `limit` entries, each scanned when it is asked for; a shorter one is the last. Throws
 * what `scan` throws. What is written meanwhile may be met or not.
 */
export async function* pagesOf(
  storage: Pick<Storage, 'scan'>,
  partition: number,
  prefix: string,
  { limit, after }: ScanOptions,
): AsyncGenerator<readonly StoredEntry[], void> {
  for (let last = after; ; ) {
    const from = last === undefined ? {} : { after: last }
    const page = await storage.scan(partition, prefix, { ...from, limit })
    yield page
    if (page.length < limit) return
    last = page.at(-1)?.key
  }
}
