import { testRestCases } from '../testing/rest-cases.ts'
import { FakeClient } from './rest/testing.ts'

/**
 * Golden cases: `cases-rest/*.case`, as testing/rest-cases.ts has them. A step begins with `> METHOD /path` below `/apiops/projects`. The answer is the status where it is
 * not 200, X-Headgate-Warning, and the body.
 */
testRestCases(new URL('./cases-rest/', import.meta.url), 'apinizer', {
  start: (settings) => {
    const client = new FakeClient(settings)
    return ({ first, headers, body }) => {
      const [method = '', path = ''] = first.split(' ')
      return client.send(`${method} /apiops/projects${path}`, body, headers)
    }
  },
  describe: ({ status, headers, body }) => {
    const lines: string[] = status === 200 ? [] : [String(status)]
    for (const value of [headers['X-Headgate-Warning'] ?? []].flat())
      lines.push(`X-Headgate-Warning: ${value}`)
    return [...lines, body.trim()].join('\n')
  },
})
