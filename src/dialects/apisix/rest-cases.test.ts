import { testRestCases } from '../testing/rest-cases.ts'
import { fillCertificates, nameCertificates } from './testing/certificates.ts'
import { FakeClient } from './testing.ts'

/**
 * Golden cases: `cases/rest-*.case`, as testing/rest-cases.ts has them. A step begins with `> METHOD /path` below the Admin API's prefix. The answer is the status, the
 * header fields ETag, X-Headgate-Warning and Content-Type where it is not JSON, and the body, byte for byte. The clock begins at 1700000001 and moves by one second per
 * step. `@CERT_A@` and the like are the texts of testing/certificates.ts.
 */
testRestCases(new URL('./cases/', import.meta.url), 'apisix', {
  isCase: (name) => /^rest-.*\.case$/.test(name),
  start: (settings) => {
    const client = new FakeClient(settings)
    return ({ first, headers, body }) => {
      const [method = '', path = ''] = first.split(' ')
      return client.send(`${method} /apisix/admin${path}`, fillCertificates(body), headers)
    }
  },
  describe: ({ status, headers, body }) => {
    const lines = [String(status)]
    for (const name of ['ETag', 'X-Headgate-Warning', 'Content-Type']) {
      for (const value of [headers[name] ?? []].flat()) {
        if (value !== 'application/json') lines.push(`${name}: ${value}`)
      }
    }
    return nameCertificates([...lines, body.trim()].join('\n').trim())
  },
})
