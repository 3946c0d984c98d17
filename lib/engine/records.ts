/** Internal routes that page through a service's records, for checks and for people. */
import { json, problem, type Route } from '../runtime/route.ts'
import type { Storage } from '../storage/storage.ts'

const largestPage = 5_000

/**
 * GET `path`?partition=P&after=KEY: {"records": [[key, record], ...], "partitions": N}; a page that
 * is shorter than 5,000 is the partition's last.
 */
export function recordsRoute(path: string, storage: Storage, prefix: string): Route {
  return {
    method: 'GET',
    path,
    summary: 'Pages through records',
    parameters: {},
    answer: { type: 'object' },
    problems: ['invalid_request'],
    visibility: 'internal',
    async handle({ query }) {
      const partition = Number(query.get('partition') ?? '0')
      if (!Number.isInteger(partition) || partition < 0 || partition >= storage.partitions) {
        return problem('invalid_request', `partition must be 0 to ${storage.partitions - 1}.`)
      }
      const after = query.get('after')
      const page = await storage.scan(partition, prefix, {
        ...(after === undefined ? {} : { after: prefix + after }),
        limit: largestPage,
      })
      const records = page.map(({ key, record }) => [key.slice(prefix.length), record])
      return json({ records, partitions: storage.partitions, pageSize: largestPage })
    },
  }
}
