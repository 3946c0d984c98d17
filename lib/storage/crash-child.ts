/**
 * The process that lmdb.test.ts kills: moves counters in pairs on every lane at once and writes
 * `<lane> <n>` to its standard output for every move that was acknowledged, until it is ended.
 */
import { writeSync } from 'node:fs'
import { openLmdbStorage } from './lmdb.ts'

const [path, lanes, partitions] = process.argv.slice(2)
const storage = await openLmdbStorage({ path: path!, partitions: Number(partitions) })

async function move(lane: number): Promise<never> {
  const keys = [`left:${lane}`, `right:${lane}`]
  for (;;) {
    const n = await storage.transact(lane % storage.partitions, keys, (draft) => {
      const next = (draft.get<{ n: number }>(keys[0]!)?.n ?? 0) + 1
      for (const key of keys) draft.put(key, { n: next })
      return next
    })
    writeSync(1, `${lane} ${n}\n`)
  }
}

await Promise.all(Array.from({ length: Number(lanes) }, (_, lane) => move(lane)))
