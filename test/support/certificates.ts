import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { findTool } from './tools.ts'

export interface CertificateFiles {
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

/** What signs: null, the certificate itself. `days` may be negative: then it is over. */
export interface CertificateOptions {
  readonly issuer?: CertificateFiles
  readonly isAuthority?: boolean
  readonly days?: number
  readonly algorithm?: 'ec' | 'rsa'
}

/** A certificate for names, made by openssl; it goes when the test is over. */
export function makeCertificate(
  t: TestContext,
  names: readonly string[],
  { issuer, isAuthority = false, days = 30, algorithm = 'ec' }: CertificateOptions = {},
): CertificateFiles {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-certificate-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const openssl = findTool('openssl') ?? 'openssl'
  const run = (...args: string[]): void => void execFileSync(openssl, args, { cwd: folder, stdio: 'pipe' })
  const certFile = join(folder, 'cert.pem')
  const keyFile = join(folder, 'key.pem')
  if (algorithm === 'ec') run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', keyFile)
  else run('genrsa', '-out', keyFile, '2048')
  const extensions = [
    `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`,
    `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
  ].join('\n')
  writeFileSync(join(folder, 'extensions'), extensions)
  run('req', '-new', '-key', keyFile, '-subj', `/CN=${names[0]}`, '-out', join(folder, 'request'))
  const signer =
    issuer === undefined
      ? ['-signkey', keyFile]
      : [
          '-CA',
          issuer.certFile,
          '-CAkey',
          issuer.keyFile,
          '-CAcreateserial',
          '-CAserial',
          join(folder, 'serial'),
        ]
  const validity = ['-days', String(days)]
  run(
    'x509',
    '-req',
    '-in',
    join(folder, 'request'),
    ...signer,
    ...validity,
    '-extfile',
    join(folder, 'extensions'),
    '-out',
    certFile,
  )
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), certFile, keyFile }
}
