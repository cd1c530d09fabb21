import type { DialectRest, Refusal, RestRequest } from '../dialects/dialect.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { AdminSettings } from '../model/settings.ts'
import type { AdminControl } from './admin-control.ts'
import type { AdminServerOptions } from './server.ts'

export const ADMIN_KEY = 'admin-key-of-the-tests-000000001'
export const VIEWER_KEY = 'viewer-key-of-the-tests-00000001'

/** A dialect's REST that records what reaches it and answers with the path. */
export class FakeRest implements DialectRest {
  readonly prefix = '/fake/admin'
  readonly maxBodyBytes = 100
  readonly calls: RestRequest[] = []
  readonly refusals: Refusal[] = []
  failure: Error | null = null

  isOpen(method: string, path: string): boolean {
    return method === 'OPTIONS' || (method === 'HEAD' && path === this.prefix)
  }
  isWrite(method: string, path: string): boolean {
    return method !== 'GET' && method !== 'HEAD' && !path.endsWith('/validate')
  }
  async handle(request: RestRequest) {
    this.calls.push(request)
    if (this.failure !== null) throw this.failure
    if (request.method === 'OPTIONS') return { status: 200, headers: {}, body: '' }
    const headers = { Server: 'FAKE', 'Content-Type': 'application/json' }
    return { status: 200, headers, body: `{"key":"/fake/things/1","value":{}}\n` }
  }
  refuse(refusal: Refusal) {
    this.refusals.push(refusal)
    const statuses: Partial<Record<Refusal['kind'], number>> = {
      missingKey: 401,
      wrongKey: 401,
      viewerMayNotWrite: 401,
      bodyTooLarge: 400,
      tooManyWrongKeys: 429,
      readOnly: 409,
    }
    return {
      status: statuses[refusal.kind] ?? 403,
      headers: { 'Access-Control-Allow-Origin': '*' },
      body: JSON.stringify(refusal),
    }
  }
}

export class FakeControl implements AdminControl {
  isReady = true
  readiness() {
    return { isReady: this.isReady, reasons: this.isReady ? [] : ['worker 1 lags'] }
  }
  status() {
    const document = (id: string, state: 'accepted' | 'degraded' | 'rejected') => ({
      key: { dialect: 'apisix', kind: 'routes', id },
      state,
      reasons: [],
      warnings: [],
      sinceMs: 0,
    })
    return {
      version: '1.2.3',
      startedAtMs: 0,
      readiness: this.readiness(),
      revision: 7,
      store: { name: 'memory', readOnly: null, faults: [] },
      lastChange: null,
      listeners: ['127.0.0.1:9080'],
      workers: [],
      workerRestarts: 0,
      objects: 0,
      retiredSlots: 0,
      documents: [document('1', 'accepted'), document('2', 'rejected'), document('3', 'degraded')],
    }
  }
  metrics(): string {
    return 'headgate_workers 1\n'
  }
  async history(options: { readonly limit: number; readonly before?: number }) {
    const changes = [
      { dialect: 'apisix', kind: 'routes', id: '1', op: 'put', before: null, after: '{"secret":1}' },
    ]
    return [{ revision: (options.before ?? 8) - 1, atMs: 0, author: 'admin', message: null, changes }]
  }
}

/** Options for a server over fakes; `lines` collects what it audits. */
export function fakeOptions(
  settings: Partial<AdminSettings> = {},
): AdminServerOptions & { rest: FakeRest; control: FakeControl; lines: string[]; clock: { ms: number } } {
  const rest = new FakeRest()
  const lines: string[] = []
  const clock = { ms: 0 }
  return {
    listen: '127.0.0.1:0',
    settings: { ...DEFAULT_SETTINGS.admin, ...settings },
    keys: { key: ADMIN_KEY, viewerKey: VIEWER_KEY },
    rests: [rest],
    rest,
    control: new FakeControl(),
    version: '1.2.3',
    revision: () => 7 + rest.calls.length,
    readOnly: () => null,
    audit: (line) => lines.push(line),
    lines,
    log: () => {},
    now: () => clock.ms,
    clock,
  }
}
