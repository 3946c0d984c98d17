/** Internal routes of a participant: what it remembers of a transaction, and its branch records. */
import { json, type Route } from '../runtime/route.ts'
import type { Json, Storage } from '../storage/storage.ts'
import { branchPrefix } from './keys.ts'
import type { Participant } from './participant.ts'
import { recordsRoute } from './records.ts'

export function participantRoutes<R extends Json>(
  service: string,
  participant: Participant<R>,
  storage: Storage,
): readonly Route[] {
  return [
    {
      method: 'GET',
      path: `/internal/${service}/branch`,
      summary: 'What this participant remembers of the transaction ?id=',
      parameters: {},
      answer: { type: 'object' },
      problems: [],
      visibility: 'internal',
      async handle({ query }) {
        return json({ branches: await participant.branchesOf(query.get('id') ?? '') })
      },
    },
    {
      method: 'GET',
      path: `/internal/${service}/counters`,
      summary: 'What this participant has counted since it started',
      parameters: {},
      answer: { type: 'object' },
      problems: [],
      visibility: 'internal',
      handle: async () => json(participant.counters),
    },
    recordsRoute(`/internal/${service}/branches`, storage, branchPrefix),
  ]
}
