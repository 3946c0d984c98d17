/** What tells this instance of a service from the others: INSTANCE, or else the host's name. */
import { hostname } from 'node:os'
import type { Config } from './config.ts'

export const instanceName = ({ instance }: Pick<Config, 'instance'>): string =>
  instance === '' ? hostname() : instance
