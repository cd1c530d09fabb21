import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentStore } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import { describeApi } from './openapi.ts'
import { ownEndpoints } from './own-api.ts'
import { buildAdminApp } from './server.ts'
import { ADMIN_KEY, FakeControl, fakeOptions, VIEWER_KEY } from './testing.ts'

/** No REST is called here, so no store is needed. */
const rests = dialects.flatMap((dialect) => dialect.rest?.({} as DocumentStore, DEFAULT_SETTINGS) ?? [])
const descriptions = rests.flatMap((rest) => rest.describe?.() ?? [])

function describe(): JsonObject {
  const endpoints = ownEndpoints(new FakeControl(), '1.2.3', descriptions)
  return describeApi({ version: '1.2.3', endpoints, rests: descriptions })
}

/** What redocly finds, one text each. It asks nobody: telemetry and the look for updates are off. */
async function lint(api: object, config: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-openapi-'))
  try {
    writeFileSync(join(folder, 'openapi.json'), JSON.stringify(api))
    writeFileSync(join(folder, 'redocly.yaml'), config)
    const manifest = createRequire(import.meta.url).resolve('@redocly/cli/package.json')
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      bin: { redocly: string }
    }
    const args = [join(dirname(manifest), bin.redocly), 'lint', '--format=json', 'openapi.json']
    const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    const run = promisify(execFile)(process.execPath, args, { cwd: folder, env, maxBuffer: 64 << 20 })
    const { stdout } = await run.catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }))
    const { problems } = JSON.parse(stdout) as {
      problems: { ruleId: string; message: string; location: { pointer?: string }[] }[]
    }
    return problems.map((fault) => `${fault.ruleId} ${fault.location[0]?.pointer}: ${fault.message}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const RULES = `
extends: [recommended-strict]
rules:
  # the server is on this machine; plugins/list is told from plugins/{name} because literal parts come first (OpenAPI 3.1, 4.8.8.2)
  no-server-example.com: off
  no-ambiguous-paths: off
  # schemas say with \`required\` alone which of two fields must be there
  no-required-schema-properties-undefined: off
`

test('the description is valid OpenAPI 3.1 without a fault of the strict linter', async () => {
  assert.deepEqual(await lint(describe(), RULES), [])
})

test('the linter notices what is wrong', async () => {
  const api = describe()
  const broken = { ...api, security: [{ nothing: [] }] }
  assert.match((await lint(broken, RULES)).join('\n'), /security-defined/)
})

test('is served to viewers, and describes every endpoint that the server has', async () => {
  const options = fakeOptions()
  const { app, routes } = await buildAdminApp({ ...options, rests })
  const url = '/headgate/v1/openapi.json'
  assert.equal((await app.inject({ url })).statusCode, 401)
  const answer = await app.inject({ url, headers: { 'x-api-key': VIEWER_KEY } })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['content-type'], 'application/json')
  assert.ok(!answer.body.includes(ADMIN_KEY))
  const api = answer.json() as { paths: Record<string, Record<string, unknown>> }
  const described = new Set(
    Object.entries(api.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  )
  const own = ownEndpoints(new FakeControl(), '1.2.3', [])
  for (const { method, path } of own) {
    assert.ok(described.has(`${method} ${path.replace(/:(\w+)/g, '{$1}')}`), `${method} ${path}`)
  }
  // whatever else stands on the server is a dialect's prefix, health, or a method that is refused
  const paths = new Set(routes.map(({ url: path }) => path.replace(/:(\w+)/g, '{$1}')))
  for (const path of paths) {
    const prefixes = rests.flatMap(({ prefix, morePrefixes = [] }) => [prefix, ...morePrefixes])
    if (!path.endsWith('*')) assert.ok(path in api.paths || prefixes.includes(path), path)
  }
})

test('names every operation once, and every schema that is referred to exists', () => {
  const api = describe() as unknown as {
    paths: Record<string, Record<string, { operationId: string }>>
    components: Record<string, Record<string, unknown>>
  }
  const ids = Object.values(api.paths).flatMap((item) => Object.values(item).map((one) => one.operationId))
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.length > 30)
  for (const [, section, name] of JSON.stringify(api).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
    assert.ok(api.components[section as string]?.[name as string] !== undefined, `${section}/${name}`)
  }
})

test('every kind of a dialect is described with the verbs it has', () => {
  const { paths } = describe() as unknown as { paths: Record<string, object> }
  assert.ok('patch' in (paths['/apisix/admin/routes/{id}'] ?? {}))
  assert.deepEqual(Object.keys(paths['/apisix/admin/stream_routes/{id}'] ?? {}).sort(), [
    'delete',
    'get',
    'put',
  ])
})
