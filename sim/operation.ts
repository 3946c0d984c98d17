/** One request of a client, and what it was told. */
export interface Operation {
  readonly id: number
  readonly route: string
  readonly parameters: Readonly<Record<string, string | number>>
  /** Requests with the same key are one request, repeated. */
  readonly key: string | undefined
  readonly process: string
  readonly startedAt: number
  endedAt: number | undefined
  /** HTTP status; 0 where no answer came: it may have happened. */
  status: number
  /** The problem's code, where it is one. */
  code: string
  body: unknown
}

export const isRefused = ({ status }: Operation): boolean => status >= 400 && status < 500
/** It may have happened, or happen yet. */
export const isUnknown = ({ status }: Operation): boolean => status === 0 || status >= 500
/** Of those only this one is a promise: nothing was done for it, and nothing will be. */
export const isTurnedAway = ({ code }: Operation): boolean => code === 'overloaded'
