/**
 * Every subcommand of ./till: one line here, one file beside it. A file is loaded only when its
 * command is asked for, so that a command costs what it needs and nothing more.
 */
import type { Command } from 'commander'

export interface CommandFile {
  /** Gives the command its arguments, options, help and action. */
  define(command: Command): void
}

export interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<CommandFile>
}

/** In the order in which `./till --help` lists them. */
export const commands: readonly CommandEntry[] = [
  { name: 'up', summary: 'start the shop', load: () => import('./up.ts') },
  { name: 'down', summary: 'stop the shop, in order', load: () => import('./down.ts') },
  { name: 'status', summary: 'what runs, and since when', load: () => import('./status.ts') },
  {
    name: 'kill',
    summary: 'send a signal to one process of the shop',
    load: () => import('./kill.ts'),
  },
  { name: 'logs', summary: 'what one process has written', load: () => import('./logs.ts') },
  {
    name: 'engines',
    summary: 'get what --engines redis-kafka needs',
    load: () => import('./engines/engines.ts'),
  },
  {
    name: 'topics',
    summary: "make the bus's topics, before services start",
    load: () => import('./topics.ts'),
  },
  {
    name: 'init',
    summary: 'fill a running shop with items, users and orders',
    load: () => import('./init.ts'),
  },
  {
    name: 'transactions',
    summary: 'checkouts that are open or have ended, and what they wait for',
    load: () => import('./transactions.ts'),
  },
  {
    name: 'transaction',
    summary: 'what the logs and the participants say of one checkout',
    load: () => import('./transaction.ts'),
  },
  {
    name: 'bench',
    summary: 'how fast the shop is, and still right',
    load: () => import('./bench.ts'),
  },
  {
    name: 'chaos',
    summary: 'a shop that is broken again and again under load, and checked',
    load: () => import('./chaos.ts'),
  },
  {
    name: 'check',
    summary: 'whether all books of a shop add up',
    load: () => import('./check.ts'),
  },
  {
    name: 'sim',
    summary: 'the shop in a simulated world, with every fault there is',
    load: () => import('./sim.ts'),
  },
]
