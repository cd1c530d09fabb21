import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { waitFor } from '../../test/support/tools.ts'
import { ControlPlaneLink } from './control-plane-link.ts'

test('reports though what it reports changes all the time', async (t) => {
  let reports = 0
  const server = createServer((request, response) => {
    request.resume()
    if (request.method === 'POST')
      response.write('{"type":"model","revision":1,"upserts":[],"removals":[]}\n')
    else {
      if (request.method === 'PUT') reports++
      response.writeHead(204).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const report = { instance: 'a', revision: 1, faults: [], inbounds: [], closed: [], isDraining: false }
  const link = ControlPlaneLink.open({
    controlPlane: new URL(`http://127.0.0.1:${port}`),
    ca: null,
    mesh: 'default',
    name: 'a',
    token: () => null,
    hello: () => ({ instance: 'a', version: '', dataplane: null, hasModel: false, inbounds: [] }),
    report: () => report,
    onLine: () => Promise.resolve(),
    log: () => {},
  })
  t.after(() => link.close('a'))
  await link.first
  const turns = setInterval(() => link.noteReport(), 2)
  t.after(() => clearInterval(turns))
  await waitFor('two reports', () => reports > 1 || undefined)
  assert.equal(link.isConnected, true)
})
