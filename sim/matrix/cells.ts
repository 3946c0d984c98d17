/**
 * Every cell of the matrix: a point of the protocol, a fault, a variant, a shop. What cannot be is
 * a cell too, with the reason why.
 */
import type { Home, ProtocolName } from '../../protocol/messages.ts'
import { type Variant, variants } from '../draw.ts'
import type { Point } from './point.ts'
import { sagaOrchestratorPoints, sagaPoints } from './saga-points.ts'
import { type ShopName, shopNames } from './shops.ts'
import { twoPhaseOrchestratorPoints, twoPhasePoints } from './two-phase-points.ts'

export const faultNames = [
  'crash-order',
  'crash-stock',
  'crash-payment',
  'crash-orchestrator',
  'loss',
  'duplicate',
  'delay',
  'storage-before',
  'storage-after',
] as const
export type FaultName = (typeof faultNames)[number]

export interface Cell {
  /** `P3/crash-stock/2pc-order/alone` */
  readonly id: string
  /** Its place among all cells: the same seed is another draw in each. */
  readonly index: number
  readonly point: Point
  readonly fault: FaultName
  readonly variant: Variant
  readonly shop: ShopName
  /** Why there is no such thing. */
  readonly impossible: string | undefined
}

export const homeOf = (variant: Variant): Home => variant.split('/')[1] as Home

export function pointsOf(variant: Variant): readonly Point[] {
  const [protocol, home] = variant.split('/') as [ProtocolName, Home]
  const own = protocol === '2pc' ? twoPhasePoints : sagaPoints(home)
  if (home === 'order') return own
  return [...own, ...(protocol === '2pc' ? twoPhaseOrchestratorPoints : sagaOrchestratorPoints)]
}

/** Where nobody orchestrates, nobody dies of it. */
export const faultsOf = (variant: Variant): readonly FaultName[] =>
  faultNames.filter((fault) => fault !== 'crash-orchestrator' || homeOf(variant) !== 'order')

/** Why a point cannot meet a fault. */
function impossible(point: Point, fault: FaultName): string | undefined {
  const reason = (needed: Point['message']) => (typeof needed === 'string' ? needed : undefined)
  switch (fault) {
    case 'duplicate':
      return reason(point.message) ?? point.onlyOnce
    case 'loss':
    case 'delay':
      return reason(point.message)
    case 'storage-before':
      return reason(point.before)
    case 'storage-after':
      return reason(point.after)
    default:
      return undefined
  }
}

export const cells: readonly Cell[] = variants
  .flatMap((variant) =>
    pointsOf(variant).flatMap((point) =>
      faultsOf(variant).flatMap((fault) =>
        shopNames.map((shop) => ({ variant, point, fault, shop })),
      ),
    ),
  )
  .map((cell, index) => {
    const { variant, point, fault, shop } = cell
    const id = [point.name, fault, variant.replace('/', '-'), shop].join('/')
    return { ...cell, id, index, impossible: impossible(point, fault) }
  })

/** The cells whose ids begin so: `P3`, `P3/crash-stock`, `P3/crash-stock/2pc-order`. */
export const cellsNamed = (name: string): readonly Cell[] =>
  cells.filter(({ id }) => id === name || id.startsWith(`${name}/`))
