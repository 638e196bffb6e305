/**
 * An address with the user of a program, as the shared Redis of the tests has one for each: with the rights of
 * docs/operations.md and no others. An address that names a user stays as it is, and so does a Redis that the tests were
 * given, which has no users of theirs.
 */
export function withUser(url: string, program: 'producer' | 'consumer' | 'operator'): string {
  return process.env.REDIS_URL === url ? url : url.replace(/^(rediss?:\/\/)(?=[^@]*$)/, `$1${program}:any@`)
}
