/**
 * No false alarms: what a service logs as an error must not happen while the databases keep what
 * they have acknowledged.
 */
import type { MakeChecker } from './checker.ts'

export const alarms: MakeChecker = ({ shop, report }) => ({
  atEnd() {
    for (const { at, process, message, fields } of shop.alarms) {
      report(
        'I6',
        `${process} raised an alarm at ${at.toFixed(0)}: ${message} ${JSON.stringify(fields)}`,
      )
    }
  },
})
