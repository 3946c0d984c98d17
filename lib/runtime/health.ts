/**
 * Two questions about a process, for who looks after it. GET /live: does it answer at all (if not,
 * a restart helps). GET /ready: can it do its work now, which rests on engines that may be away (a
 * restart does not help, other traffic may).
 */
import { problem, type Route, text } from './route.ts'

/** What a part says of itself, from what it knows already: it asks nobody. */
export interface Health {
  readonly usable: boolean
  /** For people: why it is not. */
  readonly detail: string
}

export const usable: Health = { usable: true, detail: 'usable' }

export interface Part {
  readonly name: string
  health(): Health
}

const shared = {
  method: 'GET',
  parameters: {},
  answer: 'text',
  visibility: 'internal',
} as const

/** /ready is 503 until every part is usable, and its problem document says which is not. */
export function healthRoutes(parts: () => readonly Part[]): readonly Route[] {
  return [
    {
      ...shared,
      path: '/live',
      summary: 'Whether this process answers',
      problems: [],
      handle: async () => text('live'),
    },
    {
      ...shared,
      path: '/ready',
      summary: 'Whether its database and its bus can be used and recovery has begun',
      problems: ['unavailable'],
      async handle() {
        const not = parts().flatMap(({ name, health }) => {
          const { usable, detail } = health()
          return usable ? [] : [`${name}: ${detail}`]
        })
        return not.length === 0 ? text('ready') : problem('unavailable', not.join('; '))
      },
    },
  ]
}
