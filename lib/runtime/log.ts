/**
 * Log lines: JSON on stderr, so that stdout is for people. This is the only file that knows pino.
 * A line is a message that never varies plus fields that do; an Error goes into the field `error`.
 * Promise: a log that cannot be written (its reader has gone) never stops the shop.
 */
import {
  type DestinationStream,
  destination,
  type Logger,
  pino,
  stdSerializers,
  stdTimeFunctions,
} from 'pino'
import type { Config } from './config.ts'

export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  /** The process is about to end because of this. */
  fatal(message: string, fields?: Fields): void
  /** Something is broken and a person must look. */
  error(message: string, fields?: Fields): void
  /** Something went wrong that the shop copes with. */
  warn(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  /** What happens to single requests and messages. */
  debug(message: string, fields?: Fields): void
  /** A log whose every line carries these fields too. */
  child(fields: Fields): Log
}

const stderr = 2

/** Writes synchronously: the lines before a crash are there after it. */
export function createLog(level: Config['logLevel'], to: DestinationStream = openStderr()): Log {
  return logOf(
    pino(
      {
        level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: stdSerializers.err },
      },
      to,
    ),
  )
}

function openStderr(): DestinationStream {
  return destination({ dest: stderr, sync: true }).on('error', () => {})
}

function logOf(logger: Logger): Log {
  return {
    fatal: (message, fields) => logger.fatal(fields, message),
    error: (message, fields) => logger.error(fields, message),
    warn: (message, fields) => logger.warn(fields, message),
    info: (message, fields) => logger.info(fields, message),
    debug: (message, fields) => logger.debug(fields, message),
    child: (fields) => logOf(logger.child(fields)),
  }
}
