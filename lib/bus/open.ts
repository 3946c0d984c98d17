/** Chooses the bus adapter of a process by BUS. Next: local.ts, kafka.ts. */
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Bus } from './bus.ts'
import { openKafkaBus } from './kafka.ts'
import { openLocalBus } from './local.ts'

export interface OpenBusOptions {
  readonly config: Config
  readonly log: Log
}

/** Throws ShopError `invalid_settings` with a sentence that says what to do. */
export async function openBus({ config, log }: OpenBusOptions): Promise<Bus> {
  if (config.bus === 'local') {
    return openLocalBus({
      partitions: config.partitions,
      onError: (topic, error) => log.warn('messages not handled', { topic, error }),
    })
  }
  return openKafkaBus(config, log)
}
