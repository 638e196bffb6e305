import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownFolder } from './children.ts'

/** Paths of files in PEM. */
export interface Certificates {
  /** Of the authority that has signed the others. */
  ca: string
  /** For 127.0.0.1. */
  server: { cert: string; key: string }
  client: { cert: string; key: string }
}

/** An authority of its own, and what it has signed, for a day. Needs openssl 3. The folder ends with the process. */
export function makeCertificates(): Certificates {
  const folder = ownFolder(mkdtempSync(join(tmpdir(), 'redis-streams-tls-')))
  const make = (name: string, ...further: string[]) => {
    const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
    const request = ['req', '-x509', ...kind, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert]
    execFileSync('openssl', [...request, ...further], { stdio: 'ignore' })
    return { cert, key }
  }
  const ca = make('authority')
  const signed = ['-CA', ca.cert, '-CAkey', ca.key]
  const server = make('server', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1')
  return { ca: ca.cert, server, client: make('client', ...signed) }
}

/** Options of a Redis that speaks TLS on this port. */
export function tlsOptions({ ca, server }: Certificates, port: number, asksForCertificates = false): string[] {
  const files = ['--tls-cert-file', server.cert, '--tls-key-file', server.key, '--tls-ca-cert-file', ca]
  return ['--tls-port', String(port), ...files, '--tls-auth-clients', asksForCertificates ? 'yes' : 'no']
}
