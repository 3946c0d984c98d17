/**
 * At every write: nothing is negative, no more is held than is there, numbers are exact, and what
 * is paid stays paid, by the same transaction, with the same lines.
 */
import type { OrderRecord } from '../../order/order.ts'
import { shelfOf } from '../books.ts'
import type { Write } from '../change.ts'
import type { MakeChecker } from './checker.ts'

export const oversell: MakeChecker = ({ report }) => {
  const shelf = ({ key, after }: Write) => {
    const now = shelfOf(after)
    if (now === undefined) return
    const invariant = key.startsWith('item:') ? 'I2' : 'I1'
    if (now.amount < 0) report(invariant, `${key} is ${now.amount}: below zero`)
    if (now.held < 0) report('I6', `${key} holds ${now.held}: below zero`)
    if (now.held > now.amount) {
      report(invariant, `${key} has ${now.amount} and holds ${now.held}: oversold`)
    }
    if (!Number.isSafeInteger(now.amount)) report(invariant, `${key} is inexact: ${now.amount}`)
  }
  const order = ({ key, before, after }: Write) => {
    const old = before as OrderRecord | undefined
    const now = after as OrderRecord | undefined
    if (old?.paid === undefined) return
    if (now?.paid !== old.paid) report('I3', `${key} was paid by ${old.paid}, now by ${now?.paid}`)
    if (now?.total !== old.total) report('I3', `${key} changed after it was paid`)
  }
  return {
    onChange({ writes, isLoad }) {
      for (const write of writes) {
        if (write.key.startsWith('item:') || write.key.startsWith('user:')) shelf(write)
        else if (write.key.startsWith('order:') && !isLoad) order(write)
      }
    },
  }
}
