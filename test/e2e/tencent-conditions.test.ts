import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { toYaml } from '../../src/model/yaml-text.ts'
import { startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'

/** Conditions of Routing plugins against heads as they come over the wire (spec/tencent.md 3.3): the names of fields above all. */

const SERVICE = 'service-aaaaaaaa'
const API = 'api-aaaaaaaa'
const HOST = `${SERVICE}.apigw.localhost`

const CONDITIONS: Readonly<Record<string, string>> = {
  userName: "header.UserName = 'admin'",
  lower: "header.username = 'admin'",
  host: `header.Host = '${HOST}'`,
  lowerHost: `header.host = '${HOST}'`,
  first: "header.X-A = '1'",
  agent: "sysparam.clientUa like 'probe/%'",
  path: "path = '/orders/ş'",
  scheme: "sysparam.httpScheme = 'HTTP'",
  query: "query.v = 'a b' and query.n >= 007",
  pair: 'header.a = query.a',
}

const mock = (text: string) => ({ ServiceType: 'MOCK', ServiceMockReturnMessage: text })

const DOCUMENTS = {
  services: [{ ServiceId: SERVICE, ServiceName: 'shop', Protocol: 'http&https' }],
  apis: [
    {
      ApiId: API,
      ServiceId: SERVICE,
      Protocol: 'HTTP',
      RequestConfig: { Path: '/', Method: 'ANY' },
      ServiceTimeout: 10,
      ...mock('no'),
    },
  ],
  plugins: [
    {
      PluginId: 'plugin-aaaaaaaa',
      PluginName: 'routing',
      PluginType: 'Routing',
      PluginData: JSON.stringify(
        Object.entries(CONDITIONS).map(([name, condition]) => ({
          strategy_name: name,
          condition: `query.case = '${name}' and ${condition}`,
          backend_type: 'MOCK',
          backend_config: mock('yes'),
        })),
      ),
    },
  ],
  attachments: [{ ServiceId: SERVICE, EnvironmentName: 'release', ApiId: API, PluginId: 'plugin-aaaaaaaa' }],
  releases: [{ ServiceId: SERVICE, EnvironmentName: 'release' }],
}

test('conditions see fields as they were written over HTTP/1.1, and in any case over HTTP/2', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-conditions-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'apis.yaml')
  writeFileSync(file, toYaml({ tencent: DOCUMENTS } as never))
  const gateway = await startGateway(['--workers', '1', '--config', file])
  t.after(() => gateway.stop('SIGKILL'))

  const session = http2.connect(`http://127.0.0.1:${gateway.port}`)
  t.after(() => session.destroy())

  const target = (name: string, path: string, query: string): string => `/release${path}?case=${name}${query}`
  const overHttp1 = async (
    name: string,
    lines: readonly string[],
    path = '/',
    query = '',
  ): Promise<string> => {
    const answer = await requestOnce(gateway.port, target(name, path, query), { headers: lines })
    assert.equal(answer.status, 200, name)
    return answer.body
  }
  const overHttp2 = async (
    name: string,
    fields: Readonly<Record<string, string>>,
    path = '/',
    query = '',
  ) => {
    const stream = session.request({ ':path': target(name, path, query), ':authority': HOST, ...fields })
    let body = ''
    stream.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    await once(stream, 'end')
    return body
  }
  const host = `Host: ${HOST}`

  assert.equal(await overHttp1('userName', [host, 'UserName: admin']), 'yes')
  assert.equal(await overHttp1('userName', [host, 'username: admin']), 'no')
  assert.equal(await overHttp1('userName', [host, 'USERNAME: admin', 'UserName:  admin ']), 'yes')
  assert.equal(await overHttp1('lower', [host, 'UserName: admin']), 'no')
  assert.equal(await overHttp1('lower', [host, 'username: admin']), 'yes')
  assert.equal(await overHttp2('userName', { username: 'admin' }), 'yes')
  assert.equal(await overHttp2('lower', { username: 'admin' }), 'yes')
  assert.equal(await overHttp2('userName', { username: 'Admin' }), 'no')

  assert.equal(await overHttp1('host', [host]), 'yes')
  assert.equal(await overHttp1('host', [`hOST: ${HOST}`]), 'yes')
  assert.equal(await overHttp1('lowerHost', [host]), 'no')
  assert.equal(await overHttp1('lowerHost', [`host: ${HOST}`]), 'yes')
  assert.equal(await overHttp2('host', {}), 'yes')
  assert.equal(await overHttp2('lowerHost', {}), 'yes')

  assert.equal(await overHttp1('first', [host, 'x-a: 2', 'X-A: 1', 'X-A: 2']), 'yes')
  assert.equal(await overHttp1('first', [host, 'X-A: 2', 'X-A: 1']), 'no')
  assert.equal(await overHttp1('first', [host, 'X_A: 1']), 'no')
  assert.equal(await overHttp1('agent', [host, 'user-agent: probe/1']), 'yes')
  assert.equal(await overHttp1('agent', [host]), 'no')
  assert.equal(await overHttp1('path', [host], '/orders/%C5%9F'), 'yes')
  assert.equal(await overHttp1('path', [host], '/orders'), 'no')
  assert.equal(await overHttp1('scheme', [host]), 'yes')
  assert.equal(await overHttp1('query', [host], '/', '&v=a+b&v=c&n=7.0'), 'yes')
  assert.equal(await overHttp1('query', [host], '/', '&v=a%20b&n=6.99'), 'no')
  assert.equal(await overHttp1('query', [host], '/', '&v=a%20b&n='), 'no')
  assert.equal(await overHttp1('pair', [host, 'a: x'], '/', '&a=x'), 'yes')
  assert.equal(await overHttp1('pair', [host], '/', '&a='), 'no')

  const explained = await gateway.admin('POST', '/headgate/v1/explain', {
    url: `http://${HOST}${target('pair', '/', '&a=y')}`,
    headers: ['a: x'],
  })
  assert.equal(explained.status, 200, explained.text)
  const { rules } = explained.json as {
    rules: { predicate: { text: string; comparisons: unknown[] } | null }[]
  }
  const pair = rules.find((rule) => rule.predicate?.text.includes('header:a == query:a'))
  assert.deepEqual(pair?.predicate?.comparisons.at(-1), {
    variable: 'header:a',
    operator: 'equal',
    value: { variable: 'query:a' },
    rules: 'typed',
    actual: 'x',
    other: 'y',
    held: false,
    isNegated: false,
  })
})
