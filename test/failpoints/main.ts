/**
 * One service as a process of its own, settings in the environment as for its main.ts, that dies at
 * a failpoint: `node test/failpoints/main.ts SERVICE FAILPOINT`, the failpoint as JSON.
 */
import { factories } from '../../cli/embedded-shop.ts'
import { runService } from '../../lib/engine/process.ts'
import type { Service } from '../../lib/engine/service.ts'
import { armed } from './failpoint.ts'
import { watchedService } from './moments.ts'

const [name, failpoint] = process.argv.slice(2) as [Service['name'], string]
await runService(name, watchedService(factories[name], armed(JSON.parse(failpoint))))
