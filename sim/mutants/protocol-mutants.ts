/** Bugs in the rules: both protocols, the participant's table, and the domains. */
import { variants } from '../draw.ts'
import type { Mutant } from './mutant.ts'

const twoPhase = ['2pc/order', '2pc/orchestrator'] as const
const saga = ['saga/order', 'saga/orchestrator'] as const
const orchestrated = ['2pc/orchestrator', 'saga/orchestrator'] as const

const participant = 'protocol/participant.ts'
const twoPhaseCommit = 'protocol/two-phase-commit.ts'
const sagaFile = 'protocol/saga.ts'
const order = 'order/order.ts'

export const protocolMutants: readonly Mutant[] = [
  {
    name: 'commit-repeats',
    models: 'a repeated commit takes the units again',
    file: participant,
    find: "committed: { prepare: 'yes', commit: 'done' }",
    replace: "committed: { prepare: 'yes', commit: 'takeHeld' }",
    variants: twoPhase,
  },
  {
    name: 'no-tombstone-for-abort',
    models: 'abort of an unknown branch leaves nothing for the late prepare to meet',
    file: participant,
    find: "abort: 'tombstone'",
    replace: "abort: 'done'",
    variants: twoPhase,
  },
  {
    name: 'no-tombstone-for-compensate',
    models: 'compensation before the late execute is forgotten',
    file: participant,
    find: "compensate: 'tombstone'",
    replace: "compensate: 'done'",
    variants: saga,
  },
  {
    name: 'prepare-holds-again',
    models: 'a repeated prepare holds twice',
    file: participant,
    find: "prepared: { prepare: 'yes'",
    replace: "prepared: { prepare: 'hold'",
    variants: twoPhase,
  },
  {
    name: 'execute-takes-again',
    models: 'm1 in a saga: a repeated execute takes twice',
    file: participant,
    find: "executed: { execute: 'yes'",
    replace: "executed: { execute: 'holdAndTake'",
    variants: saga,
  },
  {
    name: 'compensate-restores-again',
    models: 'a repeated compensation refunds twice',
    file: participant,
    find: "compensated: { execute: 'refuse', compensate: 'done' }",
    replace: "compensated: { execute: 'refuse', compensate: 'restore' }",
    variants: saga,
  },
  {
    name: 'abort-releases-again',
    models: 'a repeated abort releases twice',
    file: participant,
    find: "aborted: { prepare: 'refuse', abort: 'done' }",
    replace: "aborted: { prepare: 'refuse', abort: 'release' }",
    variants: twoPhase,
  },
  {
    name: 'refusal-forgotten',
    models: 'a refused execute, repeated after a restock, succeeds',
    file: participant,
    find: "return { answer: 'refused', reason: held.reason, branch }",
    replace: "void branch; return { answer: 'refused', reason: held.reason }",
    variants: saga,
  },
  {
    name: 'insufficient-before-duplicate',
    models: 'the business rule is asked before the duplicate check',
    file: participant,
    find: "case 'yes':\n    case 'done':",
    replace:
      "case 'yes': if (hold(command, records, domain, 'prepared').answer === 'refused') " +
      "return { answer: 'refused', reason: 'insufficient_stock' }\n    case 'done':",
    variants,
  },
  {
    name: 'generation-ignored',
    models: 'a branch of an old record ends on the one that replaced it',
    file: participant,
    find: 'record === undefined || domain.generation(record) !== branch.generations[index]',
    replace: 'record === undefined',
    variants,
  },
  {
    name: 'abort-to-voters-only',
    models: 'abort is sent only to those that have voted yes',
    file: twoPhaseCommit,
    find: "each === 'refused' ? 'refused' : 'asked'",
    replace: "each === 'refused' ? 'refused' : each === 'yes' ? 'asked' : 'done'",
    variants: twoPhase,
  },
  {
    name: 'commit-before-all-votes',
    models: 'commits when one vote is missing',
    file: twoPhaseCommit,
    find: "status.every((each) => each === 'yes')",
    replace: "status.filter((each) => each !== 'yes').length <= 1",
    variants: twoPhase,
  },
  {
    name: 'decision-not-logged',
    models: 'commits are sent before the decision is durable',
    file: twoPhaseCommit,
    find: "return enter({ ...state, phase: 'committing', decided: 'committed', status })",
    replace:
      "return { ...enter({ ...state, phase: 'committing', decided: 'committed', status })," +
      ' durable: false }',
    variants: ['2pc/orchestrator'],
  },
  {
    name: 'compensation-forgets-the-unanswered',
    models: 'what was asked and has not answered is not compensated',
    file: sagaFile,
    find: "    asked: 'asked',",
    replace: "    asked: 'done',",
    variants: saga,
  },
  {
    name: 'compensation-forgets-the-executed',
    models: 'what has executed is not compensated',
    file: sagaFile,
    find: "    yes: 'asked',",
    replace: "    yes: 'done',",
    variants: saga,
  },
  {
    name: 'pays-before-all-executed',
    models: 'the pivot before every step that can be undone is done',
    file: sagaFile,
    find: "if (!status.includes('asked')) return pay(next)",
    replace: "if (state.branches[index]?.service !== 'order') return pay(next)",
    variants: saga,
  },
  {
    name: 'holds-ignored',
    models: 'units that others hold are held again',
    file: 'stock/item.ts',
    find: 'item.stock - item.held < units',
    replace: 'item.stock < units',
    variants: twoPhase,
  },
  {
    name: 'credit-goes-below-zero',
    models: 'the credit is not looked at',
    file: 'payment/account.ts',
    find:
      "if (account.credit < amount) return { kind: 'refused', reason: 'insufficient_credit' }\n" +
      '    if (account.credit - account.held < amount) {',
    replace: 'if (amount < 0) {',
    variants,
  },
  {
    name: 'add-item-in-checkout',
    models: 'addItem during checkout changes the total',
    file: order,
    find: "if (order.checkout !== undefined) return 'in_checkout'",
    replace: '',
    variants,
  },
  {
    name: 'version-ignored',
    models: 'a checkout of an older version of the order goes through',
    file: order,
    find: "if (order.version !== version) return { kind: 'refused', reason: 'order_changed' }",
    replace: '',
    variants,
  },
  {
    name: 'paid-twice',
    models: 'a paid order can be checked out again',
    file: order,
    find: "if (order.paid !== undefined) return { kind: 'refused', reason: 'already_paid' }",
    replace: '',
    variants: orchestrated,
  },
  {
    name: 'frozen-twice',
    models: 'two checkouts freeze one order',
    file: order,
    find: "if (order.checkout !== undefined) return { kind: 'refused', reason: 'in_checkout' }",
    replace: '',
    variants,
  },
]
