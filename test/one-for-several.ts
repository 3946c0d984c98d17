/** One running shop for several suites, where starting it is most of the work. */
import type { RunningShop } from './running-shop.ts'

/** The same shop for each of so many users; it is stopped when the last of them closes it. */
export function sharedBy<R extends RunningShop>(
  users: number,
  start: () => Promise<R>,
): () => Promise<R> {
  let started: Promise<R> | undefined
  let closed = 0
  return async () => {
    started ??= start()
    const running = await started
    const close = async () => {
      closed++
      if (closed === users) await running.close()
    }
    return { ...running, close }
  }
}
