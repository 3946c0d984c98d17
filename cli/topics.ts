/**
 * `./till topics`: makes the topics of the bus, as the environment says (KAFKA_BROKERS,
 * KAFKA_PREFIX, PARTITIONS, KAFKA_INBOXES, KAFKA_REPLICATION). The launcher and the init jobs of
 * compose and Kubernetes run it before the services; running it again changes nothing.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { createTopics } from '../lib/bus/kafka-topics.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { say, sayJson } from './print.ts'

const defaultSeconds = 60

const examples = `
Examples:
  KAFKA_BROKERS=localhost:9092 PARTITIONS=4 ./till topics
  KAFKA_BROKERS=kafka:9092 KAFKA_REPLICATION=3 ./till topics --within 300`

export function define(command: Command): void {
  command
    .option('--within <seconds>', 'how long brokers may take to start', seconds, defaultSeconds)
    .option('--json', 'what was made and what was there, as JSON on stdout')
    .addHelpText('after', examples)
    .action(async ({ within, json }: { within: number; json?: true }) => {
      const topics = await createTopics(readConfig(), within * 1_000)
      if (json) sayJson(topics)
      else say(`Topics: ${topics.made.length} made, ${topics.found.length} there already.`)
    })
}

function seconds(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number of seconds.')
}
