/**
 * Gathers what one turn of the event loop brings and passes it on together, in its order, when the
 * loop has dealt with everything that is there; never an empty list.
 */
export function gathered<T>(pass: (items: readonly T[]) => void): (item: T) => void {
  let items: T[] = []
  return (item) => {
    if (items.length === 0) {
      setImmediate(() => {
        const all = items
        items = []
        pass(all)
      })
    }
    items.push(item)
  }
}
