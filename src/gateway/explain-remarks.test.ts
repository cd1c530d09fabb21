import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { StoredDocument, Warning } from '../model/document.ts'
import { EXPLAIN_LIMITS, type Explanation } from '../model/explanation.ts'
import type { JsonObject } from '../model/json.ts'
import { createOfflineExplainer } from './explain-offline.ts'
import { withRemarks } from './explain-remarks.ts'
import { makeExplainRequest } from './explain-request.ts'

const place = { ServiceId: 'service-aaaaaaaa', EnvironmentName: 'release', ApiId: 'api-aaaaaaaa' }
const api = {
  ApiId: 'api-aaaaaaaa',
  ServiceId: 'service-aaaaaaaa',
  Protocol: 'HTTP',
  RequestConfig: { Path: '/', Method: 'ANY' },
  ServiceType: 'HTTP',
  ServiceTimeout: 5,
  ServiceConfig: { Product: 'upstream', UniqVpcId: 'vpc-far', UpstreamId: 'upstream-aaaaaaaa', Path: '/' },
}
const upstream = {
  UpstreamId: 'upstream-aaaaaaaa',
  Scheme: 'HTTP',
  Algorithm: 'ROUND_ROBIN',
  UniqVpcId: 'vpc-far',
  Nodes: [{ Host: '10.0.0.1', Port: 80, Weight: 0 }],
}
const service = {
  ServiceId: 'service-aaaaaaaa',
  ServiceName: 'shop',
  Protocol: 'http',
  InstanceId: 'instance-1',
}

function stored(kind: string, id: string, value: JsonObject): StoredDocument {
  const key = { dialect: 'tencent', kind, id }
  return { key, value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
}

test('the documents that carry a request give their warnings, each once and with its place', async () => {
  const instances = { 'instance-1': { UniqVpcId: 'vpc-near' } }
  const settings = { ...DEFAULT_SETTINGS, tencent: { ...DEFAULT_SETTINGS.tencent, instances } }
  const documents = [
    stored('upstreams', 'upstream-aaaaaaaa', upstream),
    stored('services', 'service-aaaaaaaa', service),
    stored('apis', 'api-aaaaaaaa', api),
    stored('released_apis', 'service-aaaaaaaa.release.api-aaaaaaaa', { ...place, Api: api }),
  ]
  const explainer = createOfflineExplainer({
    documents,
    dialects,
    settings,
    placeOf: ({ kind }, path) => (path === '' ? null : `${kind}.yaml`),
  })
  const url = 'http://service-aaaaaaaa.apigw.localhost/release/a'
  const parts = { method: 'GET', headers: [], clientIp: null, listener: null, body: null }
  const { remarks } = await explainer.explain(makeExplainRequest(url, parts))
  assert.deepEqual(
    remarks.map(({ origin }) => [origin.kind, origin.id, origin.path, origin.place]),
    [
      ['released_api', 'service-aaaaaaaa.release.api-aaaaaaaa', 'Api.ServiceConfig', 'released_apis.yaml'],
      ['upstream', 'upstream-aaaaaaaa', 'Nodes', 'upstreams.yaml'],
    ],
  )
  assert.match(
    remarks[0]?.message ?? '',
    /runs in vpc-near and the upstream in vpc-far: .*Cloud Connect Network/,
  )
  assert.match(remarks[1]?.message ?? '', /weight 0/)
})

test('there are so many remarks and no more, and a request without a route has none', () => {
  const origin = { dialect: 'tencent', kind: 'service', id: 'a', path: '' }
  const route = { id: 'a', name: '', section: 'tencent', origin }
  const found = { route, rules: [], split: null, upstream: null, remarks: [] } as unknown as Explanation
  const warnings: Warning[] = Array.from({ length: EXPLAIN_LIMITS.remarks + 1 }, (_, i) => ({
    key: { dialect: 'tencent', kind: 'services', id: 'a' },
    path: '',
    message: String(i),
  }))
  assert.equal(withRemarks(found, dialects, () => warnings).remarks.length, EXPLAIN_LIMITS.remarks)
  const missed = { ...found, route: null }
  assert.equal(withRemarks(missed, dialects, () => warnings).remarks.length, 0)
})
