/** What `./till up --engines redis-kafka` does in the foreground once its shop is open. */
import { systemClock } from '../../lib/runtime/clock.ts'
import { say } from '../print.ts'
import { type EngineFile, readEngineFile } from './engine-file.ts'
import { stopAll } from './launch.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { runningPids } from './running-specs.ts'

const lookEveryMs = 500

/**
 * Resolves when the shop has been stopped: by `signal`, which stops it, or by another ./till. A
 * shop that is there by then is somebody else's, who must not lose it to a Ctrl-C here.
 */
export async function stayWithShop(
  data: string,
  { startedAt }: Pick<EngineFile, 'startedAt'>,
  signal: AbortSignal,
): Promise<void> {
  const isOurs = () => readEngineFile(data)?.startedAt === startedAt
  while (!signal.aborted) {
    if (!isOurs() || runningPids(data).length === 0) {
      say(`The shop on ${data} that was started here runs no more.`)
      return
    }
    await systemClock.sleep(lookEveryMs)
  }
  await oneAtATime(data, async () => {
    if (isOurs()) await stopAll(data, (name) => say(`${name} stopped`))
  })
}
