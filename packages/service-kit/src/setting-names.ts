/**
 * The settings of all services: they read the same `.env`, and each must know what is meant for the others. Without
 * the secrets of webhooks, which every source of webhooks has: see `isSetting`.
 */
export const settingNames: readonly string[] = [
  ...['REDIS_PASSWORD_FILE', 'REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'],
  ...['REDIS_URL', 'LOG_LEVEL', 'STREAM', 'RETENTION', 'MAX_LENGTH', 'KEEP_FOR_MS', 'RETENTION_GROUPS', 'LEDGER_DIR'],
  ...['OPS_PORT', 'OPS_HOST'],
  ...['HTTP_PORT', 'HTTP_HOST', 'HTTP_DRAIN_DELAY_MS', 'TRUST_PROXY', 'WEBHOOK_TOLERANCE_MS', 'WEBHOOK_RATE_LIMIT'],
  ...[
    'SIMULATE',
    'INTERVAL_MS',
    'BURST',
    'FAILING',
    'DUPLICATES',
    'USERS',
    'PUBLISH_TIMEOUT_MS',
    'DEDUPE_MS',
    'DURABILITY',
  ],
  ...['GROUP', 'CONSUMER', 'CONCURRENCY', 'MAX_BUFFERED', 'LEASE_MS', 'BLOCK_MS', 'MAX_DELIVERIES', 'RETRY_BASE_MS'],
  ...['RETRY_MAX_MS', 'HANDLER_TIMEOUT_MS', 'DRAIN_TIMEOUT_MS', 'STALLED_AFTER_MS', 'IDEMPOTENCY_TTL_MS'],
  ...['CIRCUIT_FAILURE_PERCENT', 'CIRCUIT_DELIVERIES', 'CIRCUIT_PROBE_EVERY_MS'],
  ...['BLOCKED_MS', 'HANDLERS', 'WORK_MS'],
  ...['CONSOLE_PORT', 'CONSOLE_HOST', 'CONSOLE_TOKEN', 'CONSOLE_TOKEN_FILE', 'CONSOLE_READ_ONLY'],
]

/** What only docker-compose.yml reads, from the same `.env`. */
const COMPOSE_SETTINGS = ['SECRETS_DIR']

/** `WEBHOOK_<SOURCE>_SECRET`, and with `_FILE` behind it. */
const WEBHOOK_SECRET = /^WEBHOOK_[A-Z0-9_]+_SECRET(_FILE)?$/

/**
 * @param own The settings of the service that asks. One that takes webhooks knows which secrets there are; to all others
 * any secret of a webhook is a setting.
 */
export function isSetting(name: string, own: readonly string[] = []): boolean {
  if (settingNames.includes(name) || COMPOSE_SETTINGS.includes(name) || own.includes(name)) return true
  return WEBHOOK_SECRET.test(name) && !own.some((one) => WEBHOOK_SECRET.test(one))
}

/** Near to a setting, and in almost every environment. */
const FOREIGN_NAMES = ['USER']

/** The setting that was probably meant by a name that is none. `own`: as for `isSetting`. */
export function settingNear(name: string, own: readonly string[] = []): string | undefined {
  if (isSetting(name, own) || FOREIGN_NAMES.includes(name)) return undefined
  const distances = [...settingNames, ...own].map((known) => ({
    known,
    distance: distanceBetween(name.toUpperCase(), known),
  }))
  const [nearest] = distances.sort((a, b) => a.distance - b.distance)
  // In a short name every letter counts.
  return nearest && nearest.distance <= (nearest.known.length > 5 ? 2 : 1) ? nearest.known : undefined
}

/** How many letters must be put in, left out, replaced, or swapped with their neighbour, to make one of the other. */
function distanceBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i += 1) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = isSwapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped))
    }
  }
  return at(a.length, b.length)
}
