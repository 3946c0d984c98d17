/**
 * Requests to one broker. This is the only file that knows @platformatic/kafka.
 *
 * Of that client only its connection and its wire format are used, not its Consumer and Producer:
 * these hide what must be seen here (who holds what, since when it is unknown), and do not come
 * back after some faults (docs/KAFKA.md). A link that has failed or was too slow once is closed and
 * never used again: late answers would be taken for other ones. Who opens links anew:
 * kafka-cluster.ts.
 */
import { readFile } from 'node:fs/promises'
import {
  type API,
  Connection,
  createPartitionsV3,
  createTopicsV7,
  fetchV15,
  findCoordinatorV4,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  listOffsetsV7,
  metadataV12,
  offsetCommitV9,
  offsetFetchV9,
  produceV9,
  syncGroupV5,
} from '@platformatic/kafka'
import { systemClock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'

export const requests = {
  createPartitions: createPartitionsV3.api,
  createTopics: createTopicsV7.api,
  fetch: fetchV15.api,
  findCoordinator: findCoordinatorV4.api,
  heartbeat: heartbeatV4.api,
  joinGroup: joinGroupV9.api,
  leaveGroup: leaveGroupV5.api,
  listOffsets: listOffsetsV7.api,
  metadata: metadataV12.api,
  offsetCommit: offsetCommitV9.api,
  offsetFetch: offsetFetchV9.api,
  produce: produceV9.api,
  syncGroup: syncGroupV5.api,
} as const

/** Codes of the Kafka protocol that are told apart here. */
export const codes = {
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  topicAlreadyExists: 36,
  memberIdRequired: 79,
  fencedInstanceId: 82,
} as const

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export type Access = Pick<
  Config,
  'kafkaSaslMechanism' | 'kafkaUsername' | 'kafkaPassword' | 'kafkaTls' | 'kafkaTlsCa'
>

/** How a broker is spoken to, read once. */
export interface LinkOptions {
  readonly tls?: { readonly ca?: readonly Buffer[] }
  readonly sasl?: { readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' } & {
    readonly username: string
    readonly password: string
  }
}

/** Throws ShopError `invalid_settings` where the certificates cannot be read. */
export async function linkOptions(access: Access): Promise<LinkOptions> {
  const mechanism = access.kafkaSaslMechanism
  const { kafkaUsername: username, kafkaPassword: password, kafkaTls, kafkaTlsCa: file } = access
  const ca = file === '' ? undefined : await readFile(file).catch(() => undefined)
  if (file !== '' && ca === undefined) {
    throw new ShopError('invalid_settings', `KAFKA_TLS_CA=${file}: this file cannot be read.`)
  }
  return {
    ...(kafkaTls ? { tls: ca === undefined ? {} : { ca: [ca] } } : {}),
    ...(mechanism === 'none' ? {} : { sasl: { mechanism, username, password } }),
  }
}

export function parseBrokers(list: string): readonly BrokerAddress[] {
  return list.split(',').map((each) => {
    const match = /^\s*(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})\s*$/.exec(each)
    if (match === null) {
      throw new ShopError('invalid_settings', `KAFKA_BROKERS=${list}: must be host:port,...`)
    }
    return { host: (match[1] ?? match[2])!, port: Number(match[3]) }
  })
}

const connectWithinMs = 2_000
/** Requests on one link; a broker answers them one after another. */
const mostInFlight = 1_000
/** Never reached: each request has a shorter time of its own, after which its link is closed. */
const clientTimeoutMs = 600_000

export class KafkaLink {
  readonly #connection: Connection
  #isClosed = false

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Rejects where the broker is not there, is not a broker, or lets nobody in with this name. */
  static async open(address: BrokerAddress, options: LinkOptions): Promise<KafkaLink> {
    const { tls, sasl } = options
    const connection = new Connection('till', {
      connectTimeout: connectWithinMs,
      requestTimeout: clientTimeoutMs,
      maxInflights: mostInFlight,
      ...(tls === undefined ? {} : { tls: tls as object, tlsServerName: nameOf(address.host) }),
      ...(sasl === undefined ? {} : { sasl }),
    })
    const link = new KafkaLink(connection)
    connection.on('error', () => link.close())
    connection.on('close', () => link.close())
    const opened = Promise.resolve(connection.connect(address.host, address.port))
    await within(connectWithinMs, opened).catch((error) => {
      link.close()
      throw error
    })
    return link
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Rejects where the broker refuses, is gone or is late; in the last two cases it is shut. */
  async ask<A extends unknown[], R>(withinMs: number, request: API<A, R>, ...args: A): Promise<R> {
    if (this.#isClosed) throw new Error('This link to the broker is closed.')
    try {
      return await within(withinMs, request.async(this.#connection, ...args))
    } catch (error) {
      if (responseOf(error) === undefined) this.close()
      throw error
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#connection.socket?.destroy()
  }
}

/** Certificates name hosts; an address in numbers is compared as it is. */
const nameOf = (host: string) => (/^[\d.]+$|:/.test(host) ? false : host)

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = systemClock.after(ms, () => late.reject(new Error(`No answer within ${ms} ms.`)))
  work.catch(() => {})
  try {
    return await Promise.race([work, late.promise])
  } finally {
    timer.cancel()
  }
}

/** What the broker answered, where it answered that something is wrong. */
export function responseOf<R>(error: unknown): R | undefined {
  return (error as { response?: R }).response
}

/** The codes of what the broker refused; empty where it did not answer. */
export function codesOf(error: unknown): readonly number[] {
  const { errors } = error as { errors?: readonly { apiCode?: number }[] }
  return (errors ?? []).flatMap(({ apiCode }) => (apiCode === undefined ? [] : [apiCode]))
}
