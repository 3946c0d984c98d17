/**
 * `./till chaos`: a shop of its own under load, broken again and again by a seeded schedule, and
 * checked to the last transaction. Exits with 1 when anything is missing, double or left behind.
 */
import { writeFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  faultHead,
  faultRows,
  figuresOf,
  perSecond,
  plot,
  svg,
  usageFigures,
  usageHead,
  usageRows,
} from '../bench/chaos/report.ts'
import { type ChaosResult, runChaos } from '../bench/chaos/run.ts'
import { type EngineKind, engineKinds } from '../bench/engines-under-test.ts'
import { exitOnSignals } from '../bench/processes.ts'
import { openProgress } from '../bench/progress.ts'
import { variants } from '../test/variants.ts'
import { exitCodes } from './failure.ts'
import { duration, say, sayJson, table } from './print.ts'

const examples = `
Examples:
  ./till chaos                                      2pc/order in one process, a minute
  ./till chaos --variant all --minutes 5 --seed 7
  ./till chaos --engines redis-kafka --minutes 10   every process of it, also two at once
  ./till chaos --minutes 30 --every 30 --rate 500   a soak
  ./till chaos --svg chaos.svg                      throughput over time, faults drawn in

It starts shops of its own, on data that it removes again, and breaks nothing else.`

interface Flags {
  readonly variant: string
  readonly engines: EngineKind
  readonly minutes: number
  readonly seed: number
  readonly rate: number
  readonly every: number
  readonly svg?: string
  readonly json?: true
}

const names = variants.map(({ name }) => name)

export function define(command: Command): void {
  command
    .addOption(
      new Option('--variant <name>', 'protocol/coordination, or all of them')
        .choices([...names, 'all'])
        .default(names[0]),
    )
    .addOption(
      new Option('--engines <names>', 'what the shop stands on')
        .choices(engineKinds)
        .default('embedded'),
    )
    .option('--minutes <number>', 'load, of each variant', positive, 1)
    .option('--seed <number>', 'of everything drawn', positive, 1)
    .option('--rate <number>', 'checkouts planned a second', positive, 200)
    .option('--every <seconds>', 'between two faults, on the average', positive, 8)
    .option('--svg <file>', 'the plot as a picture; of several variants, the last one')
    .option('--json', 'everything as JSON on stdout')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      exitOnSignals()
      const results: ChaosResult[] = []
      for (const variant of flags.variant === 'all' ? names : [flags.variant]) {
        const result = await runOne(variant, flags)
        if (!flags.json) say(tell(result))
        if (flags.svg !== undefined) writeFileSync(flags.svg, svg(result))
        results.push(result)
      }
      if (flags.json) sayJson(results.map(forMachines))
      const isSound = results.every(({ differences }) => differences.length === 0)
      if (!isSound) process.exitCode = exitCodes.failed
    })
}

async function runOne(variant: string, flags: Flags): Promise<ChaosResult> {
  const { engines, minutes, seed, rate, every } = flags
  const progress = openProgress(variant)
  try {
    const times = { durationMs: minutes * 60_000, everyMs: every * 1_000 }
    return await runChaos(variant, { ...times, engines, rate, seed }, progress)
  } finally {
    progress.end()
  }
}

const mostShown = 20

function tell(result: ChaosResult): string {
  const { variant, answers, faults, differences, restMs, rewrites, settings } = result
  const count = (isMeant: (status: number) => boolean) =>
    answers.filter(({ status }) => isMeant(status)).length
  const rewritten = Object.entries(rewrites).map(([name, times]) => `${name} ${times}`)
  return [
    `${variant} on ${settings.engines}, seed ${settings.seed}: ${faults.length} faults`,
    plot(result),
    table(faultHead, faultRows(result)),
    '',
    table(usageHead, usageRows(result)),
    '',
    `${answers.length} checkouts: ${count((status) => status === 200)} paid, ` +
      `${count((status) => status === 503)} answered 503, ` +
      `${count((status) => status >= 400 && status < 500)} refused, ` +
      `${count((status) => status > 503 || (status >= 500 && status < 503))} another 5xx, ` +
      `${count((status) => status <= 0)} without an answer`,
    `at rest after ${duration(restMs)}`,
    ...(rewritten.length === 0 ? [] : [`files written anew: ${rewritten.join(', ')}`]),
    `differences: ${differences.length}`,
    ...differences.slice(0, mostShown),
  ].join('\n')
}

const forMachines = (result: ChaosResult) => {
  const { variant, settings, restMs, rewrites, differences, answers, looks } = result
  return {
    ...{ variant, settings, restMs, rewrites, differences, looks },
    seconds: perSecond(answers, settings.durationMs),
    faults: figuresOf(result),
    processes: usageFigures(result),
  }
}

function positive(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
  throw new InvalidArgumentError('It must be a number above 0.')
}
