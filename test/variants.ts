/** The four variants of the shop: a commit protocol, and who coordinates it. */
export interface Variant {
  readonly name: string
  readonly protocol: '2pc' | 'saga'
  readonly coordination: 'order' | 'orchestrator'
}

export const variants: readonly Variant[] = (['2pc', 'saga'] as const).flatMap((protocol) =>
  (['order', 'orchestrator'] as const).map((coordination) => ({
    name: `${protocol}/${coordination}`,
    protocol,
    coordination,
  })),
)
