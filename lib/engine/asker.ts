/**
 * Questions over the bus: send, send again while there is no answer, give up after a while.
 * The answer comes to this instance's inbox and carries the question's id. Asking must be safe to
 * repeat: the same question may be heard more than once.
 */
import type { Address, Message, Topic } from '../../protocol/messages.ts'
import type { Bus, Consumer, Subscription } from '../bus/bus.ts'
import { ChurnMap } from '../runtime/churn-map.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { type Metric, single } from '../runtime/metric.ts'
import type { Random } from '../runtime/random.ts'

interface Question {
  resolve(answer: Message): void
  readonly reject: (error: unknown) => void
  readonly topic: Topic
  readonly partition: number
  readonly message: Message
  readonly giveUpAt: number
  resendAt: number
  pauseMs: number
}

export interface AskerOptions {
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly config: Pick<Config, 'resendFirstMs' | 'resendMaxMs'>
}

const tickMs = 25
/** Questions that wait for their answer; more are refused. */
const mostOpen = 20_000

export class Asker implements Consumer {
  readonly #options: AskerOptions
  readonly #questions = new ChurnMap<string, Question>()
  readonly #timer: Timer
  /** No other asker has it, so an answer to one that died is not taken for ours. */
  readonly #name: string
  #asked = 0
  #resends = 0
  #isClosed = false
  #subscription: Subscription | undefined

  constructor(options: AskerOptions) {
    this.#options = options
    this.#name = options.random.id()
    this.#timer = options.clock.every(tickMs, () => this.#tick())
  }

  async start(): Promise<void> {
    this.#subscription = await this.#options.bus.consume('inbox', this)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer.cancel()
    await this.#subscription?.close()
    for (const question of this.#questions.values()) question.reject(noAnswer())
    this.#questions.clear()
  }

  /** Rejects with ShopError `not_known_yet` after `patienceMs` without an answer. */
  ask(
    topic: Topic,
    partition: number,
    patienceMs: number,
    make: (id: string, replyTo: Address) => Message,
  ): Promise<Message> {
    if (this.#isClosed) return Promise.reject(noAnswer())
    if (this.#questions.size >= mostOpen) return Promise.reject(tooMany())
    const { bus, clock, config } = this.#options
    const id = `${this.#name}.${++this.#asked}`
    const message = make(id, bus.inbox)
    const now = clock.now()
    return new Promise((resolve, reject) => {
      this.#questions.set(id, {
        resolve,
        reject,
        topic,
        partition,
        message,
        giveUpAt: now + patienceMs,
        resendAt: now + config.resendFirstMs,
        pauseMs: config.resendFirstMs,
      })
      bus.send(topic, partition, message)
    })
  }

  get metrics(): readonly Metric[] {
    return [
      single(
        'gauge',
        'till_questions_open',
        'Questions to other services that wait for their answer',
        () => this.#questions.size,
      ),
      single('counter', 'till_questions_total', 'Questions that were asked', () => this.#asked),
      single(
        'counter',
        'till_question_resends_total',
        'Times that an unanswered question was asked again',
        () => this.#resends,
      ),
    ]
  }

  receive(_partition: number, messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.kind !== 'outcome' && message.kind !== 'priced') continue
      const question = this.#questions.get(message.id)
      if (question === undefined) continue
      this.#questions.delete(message.id)
      question.resolve(message)
    }
  }

  #tick(): void {
    const { bus, clock, random, config } = this.#options
    const now = clock.now()
    for (const [id, question] of this.#questions.entries()) {
      if (now >= question.giveUpAt) {
        this.#questions.delete(id)
        question.reject(noAnswer())
      } else if (now >= question.resendAt) {
        question.pauseMs = Math.min(question.pauseMs * 2, config.resendMaxMs)
        question.resendAt = now + question.pauseMs * (0.75 + random.next() / 2)
        this.#resends++
        bus.send(question.topic, question.partition, question.message)
      }
    }
  }
}

const tooMany = () =>
  new ShopError('overloaded', 'Too many requests wait for another service; try again in a moment.')

const noAnswer = () =>
  new ShopError('not_known_yet', 'No answer came in time; repeat the request or look at the order.')
