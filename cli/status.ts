/** `./till status`: one row for each service of the running shop, each asked whether it answers. */
import type { Command } from 'commander'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { findEngineShop } from './engines/engine-shop.ts'
import { exitCodes } from './failure.ts'
import { duration, say, sayJson, table } from './print.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import { addDataFlag } from './settings-flags.ts'
import { ask, internalUrl, publicUrl } from './shop-client.ts'

const examples = `
Examples:
  ./till status
  ./till status --json | jq '.[].state'

Exit code 0: everything answers; 3: no shop runs there; 4: a part of it does not answer.`

const answerWithinMs = 2_000

/** One part of the shop. */
export interface Row {
  readonly name: string
  readonly kind: 'gateway' | 'service'
  readonly pid: number
  readonly port: number
  readonly state: 'running' | 'stopping' | 'not answering'
  /** How often it was started again after a crash. */
  readonly restarts: number
  /** ISO 8601. */
  readonly since: string
}

export function define(command: Command): void {
  addDataFlag(command)
  command
    .option('--json', 'rows as JSON on stdout')
    .addHelpText('after', examples)
    .action(async ({ data, json }: { data?: string; json?: true }) => {
      const config = readConfig(data === undefined ? {} : { data })
      const run = readRunFile(config.data)
      if (run === undefined && findEngineShop(config.data) !== undefined) {
        const { showProcesses } = await import('./engines/process-status.ts')
        await showProcesses(config.data, json === true)
        return
      }
      const rows = run === undefined ? [] : await rowsOf(run)
      if (json) sayJson(rows)
      else if (run === undefined) say(`No shop runs on ${config.data}. ./till up starts one.`)
      else say(forPeople(run, rows))
      process.exitCode = exitCodeOf(run, rows)
    })
}

/** What each service can always answer, and cheaply. */
const questions = [
  ['gateway', '/openapi.json'],
  ['order', '/internal/order/counters'],
  ['payment', '/internal/payment/counters'],
  ['stock', '/internal/stock/counters'],
  ['orchestrator', '/internal/orchestrator/coordinator-counters'],
] as const

async function rowsOf(run: RunFile): Promise<readonly Row[]> {
  return Promise.all(
    questions.map(async ([name, path]) => {
      const isGateway = name === 'gateway'
      const base = isGateway ? publicUrl(run) : internalUrl(run)
      const answers = await ask(base, path, { withinMs: answerWithinMs }).then(
        () => true,
        () => false,
      )
      return {
        name,
        kind: isGateway ? 'gateway' : 'service',
        pid: run.pid,
        port: isGateway ? run.port : run.internalPort,
        state: run.state === 'stopping' || answers ? run.state : 'not answering',
        // One process: whoever starts it again starts another shop.
        restarts: 0,
        since: new Date(run.startedAt).toISOString(),
      } as const
    }),
  )
}

function exitCodeOf(run: RunFile | undefined, rows: readonly Row[]): number {
  if (run === undefined) return exitCodes.notRunning
  return rows.every(({ state }) => state !== 'not answering') ? 0 : exitCodes.notAnswering
}

function forPeople(run: RunFile, rows: readonly Row[]): string {
  const age = duration(systemClock.wallTime() - run.startedAt)
  const lines = rows.map(({ name, kind, pid, port, state, restarts }) => [
    name,
    kind,
    `${pid}`,
    `${port}`,
    state,
    `${restarts}`,
    age,
  ])
  const head = ['name', 'kind', 'pid', 'port', 'state', 'restarts', 'since']
  return `${run.variant} on ${publicUrl(run)}\n\n${table(head, lines)}`
}
