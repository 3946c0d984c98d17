/**
 * A shop of processes of which one can be started to die: in place of the usual one, by the
 * launcher's own means. It is the shop's watchdogs that start the usual one again.
 */
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../lib/runtime/clock.ts'
import { isSameProcess } from '../../lib/runtime/process-identity.ts'
import type { ProcessSpec } from '../../watchdog/process-spec.ts'
import { inspect, startProcess, stopProcess } from '../../watchdog/processes.ts'
import { type EngineShop, engineShop } from '../engine-shop.ts'
import type { MortalShop } from '../failpoints.ts'
import type { Variant } from '../variants.ts'
import type { Failpoint } from './failpoint.ts'
import { pointNamed } from './points.ts'

const entry = fileURLToPath(new URL('./main.ts', import.meta.url))
const stopWithinMs = 15_000
const lookEveryMs = 20
/** Far more than any start takes. */
const backWithinMs = 60_000

export async function engineMortal(variant: Variant): Promise<MortalShop> {
  const running = await engineShop(variant)
  let victim = ''
  return {
    variant,
    shop: running.shop,
    records: running.records,
    close: () => running.close(),
    async startToDie(failpoint) {
      victim = pointNamed(failpoint.point).service(variant)
      await stopProcess(victim, running.runs, stopWithinMs)
      const spec = withFailpoint(specOf(running, victim), { ...failpoint, variant })
      const { pid, processStart } = await startProcess(spec, running.runs)
      const isAlive = () => isSameProcess(pid, processStart)
      while (isAlive() && !(await isReady(spec))) await systemClock.sleep(lookEveryMs)
      const died = async () => {
        while (isAlive()) await systemClock.sleep(lookEveryMs)
      }
      const arm = () => void process.kill(pid, 'SIGUSR2')
      return { serves: isAlive(), arm, died: died() }
    },
    async revive() {
      const giveUpAt = systemClock.now() + backWithinMs
      const spec = specOf(running, victim)
      while (!(await isReady(spec)) || (inspect(victim, running.runs)?.restarts ?? 0) === 0) {
        if (systemClock.now() > giveUpAt) throw new Error(`Nobody has brought back ${victim}.`)
        await systemClock.sleep(lookEveryMs)
      }
    },
  }
}

const specOf = ({ specs }: EngineShop, victim: string) => specs.find(({ name }) => name === victim)!

function withFailpoint(spec: ProcessSpec, failpoint: Failpoint): ProcessSpec {
  const [node] = spec.command
  return { ...spec, command: [node!, entry, spec.name, JSON.stringify(failpoint)] }
}

async function isReady({ probe }: ProcessSpec): Promise<boolean> {
  if (probe.kind !== 'http') return false
  const url = probe.url.replace(/live$/, 'ready')
  const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
  await answer?.text().catch(() => undefined)
  return answer?.status === 200
}
