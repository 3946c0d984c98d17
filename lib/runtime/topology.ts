/**
 * What a distributed shop is made of, in one table: services, their databases, topics, ports, and
 * how many of each there are in the three sizes. The launcher (cli/engines), the gateway, compose
 * and Kubernetes are made from it or are tested against it.
 */

export const serviceNames = ['order', 'payment', 'stock', 'orchestrator'] as const

export type TopologyService = (typeof serviceNames)[number]

/** In a container every service listens on the same two ports. */
export const containerPorts = { public: 8000, internal: 9000 } as const

/** The port on which the gateway is reached, in every deployment. */
export const gatewayPort = 8000

/** Every topic has as many partitions as the data; `inbox` as many as KAFKA_INBOXES says. */
export const topics = [
  'order',
  'payment',
  'stock',
  'order-coordinator',
  'orchestrator',
  'inbox',
] as const

export type Counts = Readonly<Record<TopologyService, number>>

/** The database of each service. Nobody but its service speaks to it. */
export type DatabaseShape =
  /** One server; what it acknowledged is on its disk. */
  | { readonly kind: 'single' }
  /** A primary and `replicas`; Sentinels, shared by all services, replace lost primaries. */
  | { readonly kind: 'sentinel'; readonly replicas: number; readonly sentinels: number }
  /** A Redis Cluster of `primaries`, each with `replicas` of its own. */
  | { readonly kind: 'cluster'; readonly primaries: number; readonly replicas: number }

export interface Topology {
  /** Of each service's data; fixed when the data is created. */
  readonly partitions: number
  /** Instances as processes of one small machine, with a single Redis each and one broker. */
  readonly processes: Counts
  /** Instances in containers, where each has CPUs of its own. */
  readonly containers: Counts
  readonly database: DatabaseShape
  /**
   * Replicas that must have a write before it counts (REDIS_WAIT_REPLICAS): one less than there
   * are, or losing one would stop all writes.
   */
  readonly waitReplicas: number
  readonly brokers: number
  /** Copies of each topic partition. */
  readonly replication: number
  /** Copies that must have a record before it is acknowledged. */
  readonly minInsyncReplicas: number
  /** Each is watched by another. */
  readonly watchdogs: number
  readonly gatewayWorkers: number
}

const each = (count: number): Counts => ({
  order: count,
  payment: count,
  stock: count,
  orchestrator: count,
})

/** The partitions allow more instances than there are: those of a size can be raised later. */
export const sizes = {
  /** Fits a laptop. */
  default: {
    partitions: 4,
    processes: each(1),
    containers: each(1),
    database: { kind: 'single' },
    waitReplicas: 0,
    brokers: 1,
    replication: 1,
    minInsyncReplicas: 1,
    watchdogs: 2,
    gatewayWorkers: 1,
  },
  /** Any one process or machine may be lost, the broker's excepted. About 50 CPUs. */
  medium: {
    partitions: 12,
    processes: each(2),
    containers: { order: 6, payment: 4, stock: 4, orchestrator: 4 },
    database: { kind: 'sentinel', replicas: 2, sentinels: 3 },
    waitReplicas: 1,
    brokers: 1,
    replication: 1,
    minInsyncReplicas: 1,
    watchdogs: 2,
    gatewayWorkers: 2,
  },
  /** Any one machine may be lost. About 90 CPUs. */
  large: {
    partitions: 24,
    processes: each(3),
    containers: { order: 10, payment: 6, stock: 8, orchestrator: 6 },
    database: { kind: 'cluster', primaries: 3, replicas: 2 },
    waitReplicas: 1,
    brokers: 3,
    replication: 3,
    minInsyncReplicas: 2,
    watchdogs: 2,
    gatewayWorkers: 2,
  },
} as const satisfies Readonly<Record<string, Topology>>

export type Size = keyof typeof sizes

export const sizeNames = Object.keys(sizes) as readonly Size[]

/** `order` where there is one of it, `order-2` where there are several; `index` from 0. */
export const nameOf = (base: string, index: number, count: number): string =>
  count === 1 ? base : `${base}-${index + 1}`

export const namesOf = (base: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => nameOf(base, index, count))

/** What Sentinel calls the primary of a service's database, and the base of its servers' names. */
export const databaseName = (service: TopologyService): string => `${service}-redis`
