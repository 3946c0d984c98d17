/**
 * What the processes of a shop logged last, and what they hold: for a test that has failed, because
 * its data goes with the shop.
 */
import { existsSync } from 'node:fs'
import { lastLines } from '../cli/log-file.ts'
import { readableLine } from '../cli/log-lines.ts'
import { coloursOn } from '../cli/terminal.ts'
import type { ProcessSpec } from '../watchdog/process-spec.ts'

const mostLines = 25
const answerWithinMs = 1_000
/** Who owns what, and how far behind it is. */
const telling = /^till_(coordinator_partitions|bus_lag_records|transactions_open|checkouts_in)/

export async function lastWords(specs: readonly ProcessSpec[]): Promise<string> {
  const told = specs
    .filter(({ kind }) => kind === 'service' || kind === 'watchdog' || kind === 'broker')
    .map(async (spec) => `${spec.name}\n${[...logged(spec), ...(await held(spec))].join('\n')}`)
  return (await Promise.all(told)).join('\n\n')
}

function logged({ logPath }: ProcessSpec): string[] {
  if (!existsSync(logPath)) return ['(no log)']
  return lastLines(logPath, mostLines).lines.map((line) => readableLine(line, coloursOn({})))
}

async function held({ env }: ProcessSpec): Promise<string[]> {
  if (env.INTERNAL_PORT === undefined) return []
  const signal = AbortSignal.timeout(answerWithinMs)
  try {
    const answer = await fetch(`http://127.0.0.1:${env.INTERNAL_PORT}/metrics`, { signal })
    return (await answer.text()).split('\n').filter((line) => telling.test(line))
  } catch (error) {
    return [`(does not answer: ${(error as Error).message})`]
  }
}
