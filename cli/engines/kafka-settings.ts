/**
 * The server.properties of a broker for Till, and why each line is there. Local brokers
 * (kafka-broker.ts) are started with them; containers and Kubernetes must set the same.
 */

/** A broker of KRaft, which is its own controller, too. */
export interface BrokerOptions {
  /** Its data, its settings and its log; made where it is missing. */
  readonly directory: string
  readonly port: number
  readonly controllerPort: number
  /** Its number among `voters`; 1 where it is alone. */
  readonly nodeId?: number
  /** All controllers of the cluster; only itself where it is alone. */
  readonly voters?: readonly { readonly nodeId: number; readonly controllerPort: number }[]
  /** MB of heap. */
  readonly heapMb?: number
  /** Further ones for clients; a broker tells them the port at which it says that it listens. */
  readonly listeners?: readonly Listener[]
  /** Lines of server.properties that differ from those below. */
  readonly properties?: Readonly<Record<string, string>>
  /** A file for the archive of its classes, written when it is stopped; see kafka-archive.ts. */
  readonly archiveInto?: string
  /** A user of SASL/SCRAM, made when the data is formatted. */
  readonly scram?: { readonly username: string; readonly password: string }
  /** Whether clients speak TLS to it, so that it can be asked whether it answers. */
  readonly tls?: boolean
}

export interface Listener {
  /** Of [A-Z]. */
  readonly name: string
  readonly port: number
  readonly advertisedPort: number
}

export const brokerHost = '127.0.0.1'

/** What Till needs of any broker, wherever it runs. */
export function neededProperties(brokers: number): Readonly<Record<string, string>> {
  const copies = String(Math.min(3, brokers))
  const least = brokers >= 3 ? '2' : '1'
  return {
    // Topics have the partitions of the data: ./till topics makes them, nobody else.
    'auto.create.topics.enable': 'false',
    // An instance that died is taken over after KAFKA_SESSION_MS, which may be short.
    'group.min.session.timeout.ms': '500',
    // The first instance need not wait for others: they join when they come.
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': least,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': least,
    // A killed broker is let in again once its former life counts as over: 9 s, if not set.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // Records are of use for minutes: what is too old or too much must not lie there for five more.
    'log.retention.check.interval.ms': '30000',
    // A replica that is behind must not become the leader: acknowledged records would be gone.
    'unclean.leader.election.enable': 'false',
  }
}

export function serverProperties(options: BrokerOptions): string {
  const { directory, port, controllerPort, nodeId = 1, properties = {}, listeners = [] } = options
  const clients = [{ name: 'CLIENTS', port, advertisedPort: port }, ...listeners]
  const addresses = (portOf: (listener: Listener) => number) =>
    clients.map((each) => `${each.name}://${brokerHost}:${portOf(each)}`)
  const voters = options.voters ?? [{ nodeId, controllerPort }]
  const lines: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(nodeId),
    'controller.quorum.voters': voters
      .map((each) => `${each.nodeId}@${brokerHost}:${each.controllerPort}`)
      .join(','),
    listeners: [
      ...addresses((listener) => listener.port),
      `CONTROLLER://${brokerHost}:${controllerPort}`,
    ].join(','),
    'advertised.listeners': addresses(({ advertisedPort }) => advertisedPort).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENTS',
    'listener.security.protocol.map': [...clients.map(({ name }) => name), 'CONTROLLER']
      .map((name) => `${name}:PLAINTEXT`)
      .join(','),
    'log.dirs': escaped(`${directory}/data`),
    'num.network.threads': '2',
    'num.io.threads': '4',
    ...neededProperties(voters.length),
    ...properties,
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** As java.util.Properties reads it from a file, which is Latin-1 with escapes. */
const escaped = (value: string) =>
  value
    .replaceAll('\\', '\\\\')
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
