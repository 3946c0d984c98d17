/** Kinds of histories: each seed of a variant is one of each kind. */
import { drawCrowds } from './crowds.ts'
import { type Draw, drawHistory, type Variant } from './draw.ts'
import { drawOvertaken } from './overtaken.ts'
import { drawRollout } from './rollouts.ts'

export const kinds = ['plain', 'rollout', 'crowds', 'overtaken'] as const
export type Kind = (typeof kinds)[number]

export const drawOf: Readonly<Record<Kind, (variant: Variant, seed: number) => Draw>> = {
  plain: drawHistory,
  rollout: drawRollout,
  crowds: drawCrowds,
  overtaken: drawOvertaken,
}
