import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findTool, runTool, skipWithout } from '../../../test/support/tools.ts'
import { toYaml } from '../../model/yaml-text.ts'
import { faultsOf, upstreamOf } from './testing/translate.ts'

/** A certificate and its key, made for the test. */
async function makePair(): Promise<{ readonly certificate: string; readonly key: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-pem-'))
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  try {
    const flags = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const names = ['-subj', '/CN=app.internal', '-keyout', keyFile, '-out', certificateFile]
    const { code, stderr } = await runTool(findTool('openssl') as string, [...flags, ...names])
    assert.equal(code, 0, stderr)
    return { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const withTls = (tls: Readonly<Record<string, string>>): string =>
  toYaml({ id: 'x', scheme: 'https', endpoints: ['10.0.0.1'], tls })

test('certificates and keys go through as they are, and must belong together', {
  skip: skipWithout('openssl'),
}, async () => {
  const [own, other] = [await makePair(), await makePair()]
  const upstream = upstreamOf(withTls({ ca: other.certificate, ...own }))
  assert.deepEqual(upstream.tls, { verifies: true, ca: other.certificate, ...own, serverName: null })
  assert.deepEqual(faultsOf('upstreams', withTls({ ...own, key: other.key })), [
    'tls.key: the private key does not belong to the certificate',
  ])
  assert.deepEqual(faultsOf('upstreams', withTls({ ...own, key: 'no key' })), [
    'tls.key: the private key cannot be read (PEM, not encrypted)',
  ])
})

test('a check that can never take an endpoint out is refused', () => {
  const faults = (health: string): readonly string[] =>
    faultsOf('upstreams', `{ id: x, endpoints: ["10.0.0.1:80"], health: ${health} }`)
  const never = 'with 0 for every kind of failure nothing ever goes out (leave the check out instead)'
  assert.deepEqual(faults('{ active: { down: 0 } }'), [`health.active.down: ${never}`])
  assert.deepEqual(
    faults('{ active: {}, passive: { down: { statuses: 0, connections: 0, timeouts: 0 } } }'),
    [`health.passive.down: ${never}`],
  )
  assert.deepEqual(faults('{ outlier: { failures: 0 } }'), [
    'health.outlier: nothing in it ejects an endpoint (give it failures, errors or latency)',
  ])
  assert.deepEqual(faults('{ active: { kind: tcp } }'), [])
})
