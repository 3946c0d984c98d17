/**
 * Every setting: its environment variable, type, default, unit and meaning, in one table.
 * Read once, at the start of a process; all wrong settings are listed together in one ShopError.
 * This is the only file that looks at process.env.
 */
import { z } from 'zod'
import { ShopError } from './errors.ts'

interface Setting {
  readonly variable: string
  readonly schema: z.ZodType
  readonly help: string
}

/** Separators of people's numbers: 10000 is read at a glance as 10,000. */
/** 1,000,000. Not toLocaleString: that loads its tables at every start. */
const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

function whole(minimum: number, maximum: number, otherwise: number) {
  const range = `from ${grouped(minimum)} to ${grouped(maximum)}`
  const right = `must be a whole number ${range}, in digits only`
  return z
    .string()
    .regex(/^[0-9]{1,15}$/, { error: right, abort: true })
    .transform(Number)
    .pipe(z.number().min(minimum, right).max(maximum, right))
    .default(otherwise)
}
const oneOf = <const C extends readonly [string, ...string[]]>(choices: C, otherwise: C[number]) =>
  z.enum(choices, `must be one of ${choices.join(', ')}`).default(otherwise as never)
const flag = (otherwise: boolean) =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .default(otherwise)
const longestText = 4096
const words = (otherwise: string) =>
  z
    .string()
    .regex(/^\P{Cc}+$/u, 'must not contain control characters')
    .max(longestText, `must be at most ${grouped(longestText)} characters`)
    .default(otherwise)

const setting = <S extends z.ZodType>(variable: string, schema: S, help: string) => ({
  variable,
  schema,
  help,
})

export const settings = {
  protocol: setting('PROTOCOL', oneOf(['2pc', 'saga'], '2pc'), 'commit protocol of new checkouts'),
  coordination: setting(
    'COORDINATION',
    oneOf(['order', 'orchestrator'], 'order'),
    'which service coordinates new checkouts',
  ),
  data: setting('DATA', words('.till'), 'directory that holds the databases of the services'),
  partitions: setting(
    'PARTITIONS',
    whole(1, 1024, 1),
    'partitions of each service; fixed by the first start',
  ),
  host: setting('HOST', words('localhost'), 'address the shop listens on'),
  port: setting('PORT', whole(0, 65535, 8000), 'port of the shop; 0 takes any free one'),
  internalPort: setting(
    'INTERNAL_PORT',
    whole(0, 65535, 0),
    'port of internal routes, loopback only; 0 takes any free one',
  ),
  headersTimeoutMs: setting(
    'HEADERS_TIMEOUT_MS',
    whole(100, 600_000, 5_000),
    'ms within which request headers must be complete',
  ),
  requestTimeoutMs: setting(
    'REQUEST_TIMEOUT_MS',
    whole(100, 600_000, 10_000),
    'ms within which a request must be received',
  ),
  keepAliveTimeoutMs: setting(
    'KEEP_ALIVE_TIMEOUT_MS',
    whole(1, 600_000, 65_000),
    'ms that an idle connection is kept',
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    whole(1, 1_000_000, 10_000),
    'open client connections; more are closed at once',
  ),
  maxHeaderBytes: setting(
    'MAX_HEADER_BYTES',
    whole(1_024, 1_048_576, 16_384),
    'bytes of request line and headers',
  ),
  // Node silently drops header fields after the 2,000th: the limit must be reached before.
  maxHeaders: setting('MAX_HEADERS', whole(10, 1_000, 100), 'header fields of a request'),
  drainMs: setting(
    'DRAIN_MS',
    whole(0, 600_000, 10_000),
    'ms in which requests under way may end when the shop stops',
  ),
  maxInFlightCheckouts: setting(
    'MAX_IN_FLIGHT_CHECKOUTS',
    whole(1, 1_000_000, 2_048),
    'checkouts at once; more are answered 503',
  ),
  maxBatchRecords: setting(
    'MAX_BATCH_RECORDS',
    whole(1, 100_000_000, 1_000_000),
    'records of one batch_init',
  ),
  maxOrderLines: setting('MAX_ORDER_LINES', whole(1, 10_000, 100), 'distinct items of one order'),
  checkoutDeadlineMs: setting(
    'CHECKOUT_DEADLINE_MS',
    whole(10, 600_000, 5_000),
    'ms after which an undecided checkout is aborted',
  ),
  answerWaitMs: setting(
    'ANSWER_WAIT_MS',
    whole(0, 600_000, 2_000),
    'ms that a decided checkout waits for a silent participant before it answers',
  ),
  resendFirstMs: setting(
    'RESEND_FIRST_MS',
    whole(1, 60_000, 200),
    'ms before an unanswered command is sent again, doubled each time',
  ),
  resendMaxMs: setting(
    'RESEND_MAX_MS',
    whole(1, 60_000, 2_000),
    'longest pause between two sendings of a command',
  ),
  busyFirstMs: setting(
    'BUSY_FIRST_MS',
    whole(1, 60_000, 4),
    'ms before a checkout that met a hold is tried again, doubled each time',
  ),
  busyMaxMs: setting('BUSY_MAX_MS', whole(1, 60_000, 100), 'longest pause between two such tries'),
  inquireAfterMs: setting(
    'INQUIRE_AFTER_MS',
    whole(10, 600_000, 3_000),
    'ms after which a participant asks about an undecided branch',
  ),
  keptDecisions: setting(
    'KEPT_DECISIONS',
    whole(0, 10_000_000, 10_000),
    'ended transactions kept per coordinator partition for `till transaction`',
  ),
  keptIdempotencyKeys: setting(
    'KEPT_IDEMPOTENCY_KEYS',
    whole(1, 10_000_000, 100_000),
    'idempotency keys remembered per partition',
  ),
  idempotencyHours: setting(
    'IDEMPOTENCY_HOURS',
    whole(1, 8_760, 24),
    'hours that an idempotency key is remembered',
  ),
  sweepMs: setting(
    'SWEEP_MS',
    whole(10, 600_000, 1_000),
    'ms between two sweeps of records that nothing needs any more',
  ),
  audit: setting(
    'AUDIT',
    flag(false),
    'keep every branch record for ever, for checks per transaction',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
    'least severe log line that is written',
  ),
} as const satisfies Record<string, Setting>

export type Config = {
  readonly [K in keyof typeof settings]: z.output<(typeof settings)[K]['schema']>
}

/** Overrides (from the command line) are text too, so that both are checked by the same rules. */
export type Overrides = { readonly [K in keyof Config]?: string }

type NumberName = { [K in keyof Config]: Config[K] extends number ? K : never }[keyof Config]

/** Settings of which the first must not exceed the second. */
const ordered: readonly (readonly [NumberName, NumberName])[] = [
  ['headersTimeoutMs', 'requestTimeoutMs'],
  ['resendFirstMs', 'resendMaxMs'],
  ['busyFirstMs', 'busyMaxMs'],
  ['busyMaxMs', 'checkoutDeadlineMs'],
]

function crossCheck(config: Config): string[] {
  const wrong = ordered
    .filter(([low, high]) => config[low] > config[high])
    .map(([low, high]) => {
      const limit = `${settings[high].variable}=${config[high]}`
      return `${settings[low].variable}=${config[low]}: must be at most ${limit}`
    })
  if (config.port !== 0 && config.port === config.internalPort) {
    wrong.push(`INTERNAL_PORT=${config.internalPort}: must differ from PORT, or be 0`)
  }
  return wrong
}

/**
 * Reads all settings; an empty variable counts as not given. Throws ShopError `invalid_settings`,
 * whose message has one line for each wrong setting: what it is, what was given, what would be
 * right. Settings that must fit each other are compared once each of them is right by itself.
 */
export function readConfig(
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const wrong = Object.keys(overrides)
    .filter((name) => !Object.hasOwn(settings, name))
    .map((name) => `${JSON.stringify(name)}: there is no such setting`)
  const config: Record<string, unknown> = {}
  for (const [name, { variable, schema, help }] of Object.entries(settings)) {
    const given = overrides[name as keyof Config] ?? environment[variable]
    const result = schema.safeParse(given === '' ? undefined : given)
    if (result.success) config[name] = result.data
    else {
      const why = result.error.issues.map((issue) => issue.message).join('; ')
      wrong.push(`${variable}=${shown(given)}: ${why} (${help})`)
    }
  }
  if (wrong.length === 0) wrong.push(...crossCheck(config as Config))
  if (wrong.length > 0) {
    throw new ShopError('invalid_settings', `These settings are wrong:\n  ${wrong.join('\n  ')}`)
  }
  return config as Config
}

const longestShown = 80

function shown(given: string | undefined): string {
  const text = JSON.stringify(given) ?? 'nothing'
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}
