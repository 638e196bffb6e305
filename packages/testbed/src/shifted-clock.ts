import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownFolder } from './children.ts'
import { onPath } from './debian.ts'

const SOURCE = fileURLToPath(new URL('./shifted-clock.c', import.meta.url))

/** A wall clock for one process, which can be set while the process runs. Its monotonic clock stays as it is. */
export class ShiftedClock {
  readonly #folder = ownFolder(mkdtempSync(join(tmpdir(), 'redis-streams-clock-')))
  readonly #file = openSync(join(this.#folder, 'offset'), 'w')

  /** Whether there is what it needs: Linux, and a C compiler. */
  static get isPossible(): boolean {
    return process.platform === 'linux' && onPath('cc') !== undefined
  }

  constructor() {
    this.set(0)
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', join(this.#folder, 'clock.so'), SOURCE])
  }

  /** For the environment of the process that is to have this clock. */
  get env(): Record<string, string> {
    return { LD_PRELOAD: join(this.#folder, 'clock.so'), CLOCK_OFFSET_FILE: join(this.#folder, 'offset') }
  }

  /** Whole seconds ahead of the true clock; below 0: behind it. */
  set(seconds: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(seconds))
    writeSync(this.#file, bytes, 0, 8, 0)
  }

  close(): void {
    closeSync(this.#file)
  }
}
