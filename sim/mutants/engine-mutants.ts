/**
 * Bugs in the engine and the services: logs, fences, resending, answers, what is forgotten when.
 */
import { variants } from '../draw.ts'
import type { Mutant } from './mutant.ts'

const twoPhase = ['2pc/order', '2pc/orchestrator'] as const
const orchestrated = ['2pc/orchestrator', 'saga/orchestrator'] as const

const coordinator = 'lib/engine/coordinator-partition.ts'
const participant = 'lib/engine/participant.ts'
const open = 'lib/engine/open-transactions.ts'
const decisionLog = 'lib/engine/decision-log.ts'
const checkout = 'order/checkout.ts'

export const engineMutants: readonly Mutant[] = [
  {
    name: 'answer-before-decision',
    models: 'the client is answered before the decision is durable',
    file: coordinator,
    find: "if (step.state.phase === 'ended' && open.state.decided !== undefined) {",
    replace: 'if (step.state.decided !== undefined) {',
    variants,
  },
  {
    name: 'deleted-after-the-wait',
    models: 'a transaction that takes too long is dropped',
    file: open,
    find: 'if (isLate) this.answer(open)',
    replace: 'if (isLate) { this.answer(open); this.forget(open, open.position); continue }',
    variants: twoPhase,
  },
  {
    name: 'unfenced',
    models: 'a former coordinator can still write',
    file: decisionLog,
    find: 'this.#requireNewest(draft.get<number>(epochKey))\n      const settled',
    replace: 'const settled',
    variants,
  },
  {
    name: 'epoch-stays',
    models: 'transaction ids are used again after a restart',
    file: decisionLog,
    find: '(draft.get<number>(epochKey) ?? 0) + 1',
    replace: 'draft.get<number>(epochKey) ?? 1',
    variants,
  },
  {
    name: 'no-recovery',
    models: 'what was open before a restart is not driven on',
    file: coordinator,
    find: 'for (const state of log.recovered.splice(0)) opened.#enter(state)',
    replace: '',
    variants,
  },
  {
    name: 'no-resending',
    models: 'what the bus loses is lost',
    file: 'lib/engine/commands.ts',
    find: 'for (const [open, orders] of this.#losses.choose(due, now, pendingOf)) {',
    replace: 'for (const [open, orders] of this.#losses.choose([], now, pendingOf)) {',
    variants,
  },
  {
    name: 'no-probe',
    models: 'a loss shows only by the answer to something later, and nothing later comes',
    file: 'lib/engine/loss-detector.ts',
    find: 'else if (now >= destination.probeAt &&',
    replace: 'else if (false &&',
    variants,
  },
  {
    name: 'mark-too-high',
    models: 'the mark passes transactions that are still open',
    file: open,
    find: 'this.#mark = this.#byId.first()?.position ?? next',
    replace: 'this.#mark = next',
    variants,
  },
  {
    name: 'mark-not-looked-at',
    models: 'a late copy finds its record dropped and begins anew',
    file: participant,
    find: 'if (lowest !== undefined && position < lowest)',
    replace: 'if (false)',
    variants,
  },
  {
    name: 'effect-after-reply',
    models: 'answered yes before the effect is durable',
    file: participant,
    find: 'const obeyed = await storage.transact(partition, [key, mark, ...recordKeys], step)',
    replace:
      'bus.send(coordinatorTopic(id.home), id.partition, { kind: "reply", verb: command.verb, ' +
      "transaction: command.transaction, service, partition, answer: command.verb === 'prepare' " +
      "|| command.verb === 'execute' ? 'yes' : 'done' });\n" +
      'const obeyed = await storage.transact(partition, [key, mark, ...recordKeys], step)',
    variants,
  },
  {
    name: 'record-without-effect',
    models: 'effect and record are not one step',
    file: participant,
    find: 'if (record !== undefined) draft.put(recordKeys[index]!, record)',
    replace: 'if (record !== undefined && index === 0) draft.put(recordKeys[index]!, record)',
    variants,
  },
  {
    name: 'refused-without-closing',
    models: 'a bug of our own: 4xx although a late copy of the request can still pay the order',
    file: checkout,
    find: 'const isClosed = await orders.closeVersion(id, order.version)',
    replace: 'const isClosed = true',
    variants: orchestrated,
  },
  {
    name: 'paid-without-waiting',
    models: 'a bug of our own: a repeat is answered 200 before the participants have committed',
    file: checkout,
    find: 'if (paidBy === paidForNothing) return paid(id)',
    replace: 'return paid(id)',
    variants: twoPhase,
  },
  {
    name: 'asks-the-newer-home',
    models: 'a bug of our own: after a rollout a repeat is answered 200 before its end',
    file: 'lib/engine/coordinator-by-home.ts',
    find: 'coordinators[begunAt ?? ofNewOnes]',
    replace: 'coordinators[ofNewOnes]',
    variants,
    kind: 'rollout',
  },
  {
    name: 'answers-when-overtaken',
    models:
      'a bug of our own: an owner that was overtaken says by its own old mark what never began',
    file: 'lib/engine/decision-log.ts',
    find: `      this.#requireNewest(draft.get<number>(epochKey))
      return draft.get<State>(key)`,
    replace: '      return draft.get<State>(key)',
    variants: ['saga/orchestrator'],
    kind: 'overtaken',
  },
  {
    name: 'overloaded-after-the-start',
    models: 'a bug of our own: 503 overloaded, which promises that nothing was done, though it was',
    file: checkout,
    find: 'throw isBegun ? afterTheStart(error) : error',
    replace: 'throw error',
    variants,
    kind: 'crowds',
  },
  {
    name: 'joins-any-version',
    models: 'a bug of our own: a checkout joins that of an order which was replaced',
    file: open,
    find: 'if (open === undefined || versionIn(open.state) !== versionIn(checkout))',
    replace: 'if (false)',
    variants,
  },
  {
    name: 'owner-never-checks',
    models: 'a bug of our own: an idle owner does not notice a newer epoch',
    file: coordinator,
    find: 'if (now >= this.#checkOwnerAt) {',
    replace: 'if (now < 0) {',
    variants,
  },
  {
    name: 'log-grows',
    models: 'a bug of our own: a saga of the order service never drops an ended record',
    file: decisionLog,
    find: 'step.state.decided === undefined ? [] : this.#droppable(mark)',
    replace: "step.state.phase !== 'ended' ? [] : this.#droppable(mark)",
    variants: ['saga/order'],
  },
  {
    name: 'sum-told-is-not-its-own',
    models: 'an add tells what is there when it is asked again, not what it made',
    file: 'stock/stock.ts',
    find: '    })\n  }\n\n  async subtract(',
    replace:
      '}).then(async (told) => told.kind === "problem" ? told : ' +
      'text("has " + (await this.read(id))!.stock + " units"))\n  }\n\n  async subtract(',
    variants,
  },
  {
    name: 'held-counts-as-sold',
    models: 'a subtract is refused as short of units that are only held',
    file: 'stock/stock.ts',
    find: "if (held.kind === 'busy') return undefined\n      if (held.kind === 'refused') {",
    replace: "if (held.kind !== 'held') {",
    variants: twoPhase,
  },
  {
    name: 'key-not-remembered',
    models: 'an Idempotency-Key is honoured only while nothing fails',
    file: 'lib/engine/idempotency.ts',
    find: 'if (earlier !== undefined) return earlier\n      const answer = step(draft)',
    replace: 'const answer = step(draft)',
    variants,
  },
  {
    name: 'local-order-stays-frozen',
    models: 'the abort of a local order is lost',
    file: 'lib/engine/local-branch.ts',
    find: "const end = order.verb === 'commit' ? domain.take : domain.release",
    replace: "if (order.verb !== 'commit') continue; const end = domain.take",
    variants: ['2pc/order', 'saga/order'],
  },
  {
    name: 'outcome-of-the-first-reply',
    models: 'an abort answers before its participants are clean',
    file: coordinator,
    find: "if (step.state.phase !== 'ended') return\n    this.#open.answer(open)",
    replace: "this.#open.answer(open)\n    if (step.state.phase !== 'ended') return",
    variants,
  },
]
