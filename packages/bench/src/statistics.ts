export interface Summary {
  median: number
  min: number
  max: number
}

/** The value that this share (0 to 1) of the values do not exceed; between two of them it is interpolated. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('no values')
  const sorted = Float64Array.from(values).sort()
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] as number
  const above = sorted[Math.ceil(at)] as number
  return below + (above - below) * (at % 1)
}

export function summarize(values: readonly number[]): Summary {
  return { median: quantile(values, 0.5), min: quantile(values, 0), max: quantile(values, 1) }
}
