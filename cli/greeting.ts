/** What `up` says when the shop is open: where, which variant, which data, and what to try. */
import { resolve } from 'node:path'
import type { RunFile } from './run-file.ts'
import { publicUrl } from './shop-client.ts'
import { colours } from './terminal.ts'

export function greeting(run: RunFile, data: string): string {
  const url = publicUrl(run)
  const lines = [
    `Till is open on ${colours.bold(url)}`,
    '',
    `  variant  ${run.variant}`,
    `  data     ${resolve(data)}`,
    `  process  ${run.pid}`,
    '',
    'Try:',
    ...trials(url).map((line) => `  ${colours.cyan(line)}`),
  ]
  return lines.join('\n')
}

/** Three lines for a shell: an item, a user, and every route there is. */
export function trials(url: string): readonly string[] {
  return [
    `curl -X POST ${url}/stock/item/create/5`,
    `curl -X POST ${url}/payment/create_user`,
    `curl ${url}/openapi.json`,
  ]
}
