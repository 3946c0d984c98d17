/**
 * Preloaded (`--import`) by a shop in one process that is to die at a failpoint: its answers leave
 * from the thread that speaks HTTP, and it must die there, before the next instruction.
 */
import { getEnvironmentData, isMainThread } from 'node:worker_threads'
import { armed, type Failpoint, frontFailpoint } from './failpoint.ts'
import { watchAnswersSent } from './moments.ts'

const failpoint = getEnvironmentData(frontFailpoint) as unknown as Failpoint | undefined
if (!isMainThread && failpoint !== undefined) {
  const watch = armed(failpoint)
  watchAnswersSent((moment) => watch({ ...moment, service: 'order' }))
}
