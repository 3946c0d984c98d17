/**
 * One owner: when the faults have stopped and all is quiet, whoever holds a coordinator partition
 * is the one who took it over last. An owner that has not noticed a newer epoch is harmless while
 * it writes nothing (the fence holds), but what the newer one left open would never end.
 */
import { epochKey } from '../../lib/engine/keys.ts'
import { coordinatorTopic } from '../../protocol/messages.ts'
import type { Change } from '../change.ts'
import { configsOf } from '../draw.ts'
import type { Checker, Evidence } from './checker.ts'

export interface Owners extends Checker {
  /** Whether each holder is the newest owner, at this moment. */
  readonly areRight: boolean
}

export function owners({ draw, shop, report }: Evidence): Owners {
  const homes = new Set(configsOf(draw).map(({ coordination }) => coordination))
  /** By home and partition: the process that took it over last. */
  const newest = new Map<string, string>()
  const places = [...homes].flatMap((home) =>
    Array.from({ length: draw.config.partitions }, (_, partition) => ({
      ...{ home, partition },
      topic: coordinatorTopic(home),
    })),
  )
  const wrong = () =>
    places.filter(({ home, partition, topic }) => {
      const holders = shop.broker.holdersOf(topic, partition)
      return holders.some((name) => name !== newest.get(`${home}/${partition}`))
    })
  return {
    get areRight() {
      return wrong().length === 0
    },
    onChange({ service, partition, process, writes }: Change) {
      if (writes.some(({ key }) => key === epochKey)) newest.set(`${service}/${partition}`, process)
    },
    atEnd() {
      for (const { home, partition, topic } of wrong()) {
        const [holder] = shop.broker.holdersOf(topic, partition)
        const later = `${newest.get(`${home}/${partition}`)} took over after it`
        report('I5', `${holder} holds ${topic}/${partition}, which ${later}, and does not notice`)
      }
    },
  }
}
