import { parse } from 'yaml'
import { testRestCases } from '../testing/rest-cases.ts'
import { FakeClient } from './rest/testing.ts'

/**
 * Golden cases: `cases-rest/*.case`, as testing/rest-cases.ts has them. A step is `> METHOD /path?query`; a body is written in YAML behind `---` and sent as JSON, or as it is
 * if it begins with `raw `. The answer is the status, the fields that the API sets, and the body. Every case begins with what the control plane makes at its start.
 */
testRestCases(new URL('./cases-rest/', import.meta.url), 'kuma', {
  start: (settings) => {
    const client = new FakeClient(settings)
    const started = client.rest.start?.()
    return async ({ first, headers, body }) => {
      await started
      const isRaw = body.startsWith('raw ') || body === ''
      const sent = isRaw ? body.replace(/^raw /, '') : JSON.stringify(parse(body))
      return client.send(first, sent, headers)
    }
  },
  describe: ({ status, headers, body }) => {
    const lines = [String(status)]
    for (const name of ['X-Headgate-Warning', 'Allow'])
      for (const value of [headers[name] ?? []].flat()) lines.push(`${name}: ${value}`)
    return [...lines, body.trim()].join('\n').trim()
  },
})
