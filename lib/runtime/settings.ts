/**
 * Every setting: its environment variable, type, default, unit and meaning, in one table.
 * The engines' are in engine-settings.ts. Next: config.ts, which reads them.
 */
import { engineSettings } from './engine-settings.ts'
import { flag, oneOf, type Setting, setting, whole, words } from './setting.ts'
import { watchdogSettings } from './watchdog-settings.ts'

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
    'port of internal routes; 0 takes any free one',
  ),
  internalHost: setting(
    'INTERNAL_HOST',
    words('127.0.0.1'),
    'address of internal routes; never one that clients reach',
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
    whole(1, 1_000_000, 1_024),
    'checkouts of an instance, running or waiting for their turn; more are answered 503',
  ),
  maxRunningCheckouts: setting(
    'MAX_RUNNING_CHECKOUTS',
    whole(1, 1_000_000, 192),
    'checkouts of an instance that run at once; others wait for their turn',
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
  maxUnapplied: setting(
    'MAX_UNAPPLIED',
    whole(1, 1_000_000, 256),
    'decisions of a coordinator partition that participants may leave unapplied for longer than ' +
      'that; with more, new checkouts are answered 503',
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
    whole(10, 600_000, 200),
    'ms between two sweeps of records that nothing needs any more',
  ),
  audit: setting(
    'AUDIT',
    flag(false),
    'keep every branch record for ever, for checks per transaction',
  ),
  traceEndpoint: setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    words(''),
    'OpenTelemetry collector that spans are sent to, over HTTP; empty: no spans',
  ),
  traceOneIn: setting(
    'TRACE_ONE_IN',
    whole(1, 1_000_000, 1),
    'of so many transactions one is traced, the same one by every service',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
    'least severe log line that is written',
  ),
  ...engineSettings,
  ...watchdogSettings,
} as const satisfies Record<string, Setting>
