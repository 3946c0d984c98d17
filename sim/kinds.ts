/** Kinds of histories: each seed of a variant is one of each kind. */
import { type Draw, drawHistory, type Variant } from './draw.ts'
import { drawRollout } from './rollouts.ts'

export type Kind = 'plain' | 'rollout'

export const drawOf: Readonly<Record<Kind, (variant: Variant, seed: number) => Draw>> = {
  plain: drawHistory,
  rollout: drawRollout,
}
