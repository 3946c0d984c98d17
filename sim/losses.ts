/**
 * Databases that lose what they had acknowledged, by a fail-over to a replica that lagged. Nothing
 * that a checkout promises can hold then; what must hold is that it is never silent
 * (lib/storage/loss-watch.ts). No other fault is drawn: a writer that dies with its memory of what
 * was acknowledged cannot notice.
 */

import { seededRandom } from '../lib/runtime/random.ts'
import { type Draw, drawHistory, type Loss, serviceKeys, type Variant } from './draw.ts'
import { lostWrites, runHistory } from './history.ts'
import { mostLost } from './storage.ts'

export interface LossyHistory {
  /** Steps that are gone though their writers had been told that they are durable. */
  readonly lost: number
  /** How often an instance said so. */
  readonly noticed: number
  /** Money or units do not add up in the end. */
  readonly isBroken: boolean
}

export function drawLosses(variant: Variant, seed: number, isWatched: boolean): Draw {
  const draw = drawHistory(variant, seed)
  const random = seededRandom(seed * 4_099 + 11)
  const services = serviceKeys.filter((each) => each !== 'orchestrator' || isOrchestrated(draw))
  const loss = (): Loss => ({
    service: services[random.integer(services.length)]!,
    partition: random.integer(draw.config.partitions),
    at: 60 + random.integer(draw.safetyMs),
    count: 1 + random.integer(mostLost),
  })
  const all = [loss(), loss()]
  return { ...draw, faults: [], hasTail: false, losses: { isWatched, all } }
}

const isOrchestrated = ({ config }: Draw) => config.coordination === 'orchestrator'

export async function runLossy(draw: Draw): Promise<LossyHistory> {
  const { coverage, violations } = await runHistory(draw)
  return {
    lost: coverage.counts.get(lostWrites) ?? 0,
    noticed: coverage.counts.get('log: the database has lost acknowledged writes') ?? 0,
    isBroken: violations.some(({ text }) => text.includes('there should be')),
  }
}
