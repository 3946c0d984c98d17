/**
 * A user's account, pure: credit, and how much of it is held by open transactions.
 * `credit` is what everyone sees; `credit - held` is what can still be spent or held.
 */
import type { Domain, Held } from '../protocol/participant.ts'

export interface AccountRecord {
  readonly credit: number
  readonly held: number
  readonly generation: number
}

export const newAccount = (): AccountRecord => ({ credit: 0, held: 0, generation: 0 })

export const accountDomain: Domain<AccountRecord> = {
  hold(account, amount): Held<AccountRecord> {
    if (account === undefined) return { kind: 'refused', reason: 'unknown_user' }
    if (account.credit < amount) return { kind: 'refused', reason: 'insufficient_credit' }
    if (account.credit - account.held < amount) {
      return { kind: 'busy', reason: 'insufficient_credit' }
    }
    return { kind: 'held', record: { ...account, held: account.held + amount } }
  },
  take: (account, amount) => ({
    ...account,
    credit: account.credit - amount,
    held: account.held - amount,
  }),
  release: (account, amount) => ({ ...account, held: account.held - amount }),
  restore: (account, amount) => ({ ...account, credit: account.credit + amount }),
  generation: (account) => account.generation,
}

/** Adds credit; undefined where the sum would not be exact any more. */
export function addCredit(account: AccountRecord, amount: number): AccountRecord | undefined {
  const credit = account.credit + amount
  return Number.isSafeInteger(credit) ? { ...account, credit } : undefined
}
