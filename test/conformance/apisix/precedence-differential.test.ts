import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectRaw } from '../../support/raw-client.ts'
import { openStage, type Stage } from './stage.ts'

/**
 * spec/apisix.md 3.1, 3.2 against a plain reading of them: a list of routes, sorted and tried one by one. Routes come, change and go while
 * requests ask; each route answers by a redirect that names it. HEADGATE_DIFFERENTIAL_ROUNDS (80) and HEADGATE_FUZZ_SEED lengthen or repeat it.
 */

const ROUNDS = Number(process.env.HEADGATE_DIFFERENTIAL_ROUNDS ?? 80)
const SEED = Number(process.env.HEADGATE_FUZZ_SEED ?? Date.now() % 1_000_000)

interface Route {
  readonly id: string
  readonly uris: readonly string[]
  readonly hosts: readonly string[]
  readonly methods: readonly string[]
  readonly priority: number
  readonly status: 0 | 1
  /** Argument v must be this; null: no condition. */
  readonly v: string | null
  readonly created: number
}

const HOSTS = ['t.com', 'a.t.com', 'b.a.t.com', 'xt.com', 'other.org', 'T.COM']
const HOST_PATTERNS = [
  't.com',
  'a.t.com',
  '*.t.com',
  '*t.com',
  '*.a.t.com',
  '*',
  'other.org',
  '*.org',
  'A.T.com',
]
const PATHS = ['/', '/a', '/a/', '/a/b', '/a/b/c', '/ab', '/abc', '/b', '/a/x/z', '/a/x/y/z', '/a/z']
const PATH_PATTERNS = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a*',
  '/a/*',
  '/a/b*',
  '/a/b/c',
  '/*',
  '/ab*',
  '/a/*/z',
  '/b',
  '/*/b',
  '/abc',
]
const METHODS = ['GET', 'POST', 'PUT']

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())

function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function matchesHost(pattern: string, host: string): boolean {
  const text = pattern.toLowerCase()
  const asked = host.toLowerCase()
  // `*t.com` is a pure suffix, so it takes `t.com` as well; `*.t.com` cannot, for its dot
  return text.startsWith('*') ? asked.endsWith(text.slice(1)) : text === asked
}

function matchesPath(pattern: string, path: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === path
  if (star === pattern.length - 1) return path.startsWith(pattern.slice(0, -1))
  const head = pattern.slice(0, star)
  const tail = pattern.slice(star + 1)
  return path.startsWith(head) && path.endsWith(tail) && path.length >= head.length + tail.length
}

interface Candidate {
  readonly route: Route
  readonly key: readonly number[]
}

/** The id of the route that must answer, or null. */
function expected(
  routes: Iterable<Route>,
  request: { host: string; path: string; method: string; v: string },
): string | null {
  const candidates: Candidate[] = []
  for (const route of routes) {
    if (route.status === 0) continue
    if (route.methods.length > 0 && !route.methods.includes(request.method)) continue
    if (route.v !== null && route.v !== request.v) continue
    for (const host of route.hosts.length === 0 ? [null] : route.hosts) {
      if (host !== null && !matchesHost(host, request.host)) continue
      for (const uri of route.uris) {
        if (!matchesPath(uri, request.path)) continue
        const isWild = host?.startsWith('*') === true
        const star = uri.indexOf('*')
        candidates.push({
          route,
          key: [
            host === null ? 2 : isWild ? 1 : 0,
            host !== null && isWild ? -host.length : 0,
            star < 0 ? 0 : 1,
            star < 0 ? 0 : -star,
            -route.priority,
            -uri.length,
            route.created,
          ],
        })
      }
    }
  }
  candidates.sort((one, other) => {
    for (const [i, value] of one.key.entries()) {
      const difference = value - (other.key[i] as number)
      if (difference !== 0) return difference
    }
    return 0
  })
  return candidates[0]?.route.id ?? null
}

test('routes that come, change and go are found as a sorted list would find them', {
  timeout: 100_000,
}, async () => {
  const random = randomFrom(SEED)
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
  const some = <T>(list: readonly T[], most: number): readonly T[] => [
    ...new Set(Array.from({ length: random(most + 1) }, () => pick(list))),
  ]
  const routes = new Map<string, Route>()
  let created = 0
  let asked = 0
  for (let round = 0; round < ROUNDS; round++) {
    const id = `r${random(25)}`
    const before = routes.get(id)
    if (before !== undefined && random(4) === 0) {
      assert.equal((await stage.gateway.admin('DELETE', `/apisix/admin/routes/${id}`)).status, 200)
      routes.delete(id)
    } else {
      const uris = some(PATH_PATTERNS, 2)
      const route: Route = {
        id,
        uris: uris.length === 0 ? [pick(PATH_PATTERNS)] : uris,
        hosts: some(HOST_PATTERNS, 2),
        methods: some(METHODS, 2),
        priority: random(4) - 1,
        status: random(8) === 0 ? 0 : 1,
        v: random(3) === 0 ? String(random(2)) : null,
        created: before?.created ?? ++created,
      }
      await stage.put(`/routes/${id}`, {
        uris: route.uris,
        ...(route.hosts.length === 0 ? {} : { hosts: route.hosts }),
        ...(route.methods.length === 0 ? {} : { methods: route.methods }),
        ...(route.v === null ? {} : { vars: [['arg_v', '==', route.v]] }),
        priority: route.priority,
        status: route.status,
        plugins: { redirect: { uri: `/${id}` } },
      })
      routes.set(id, route)
    }
    const client = await connectRaw(stage.gateway.port)
    for (let i = 0; i < 40; i++) {
      const request = { host: pick(HOSTS), path: pick(PATHS), method: pick(METHODS), v: String(random(3)) }
      const answer = await client.exchange(
        `${request.method} ${request.path}?v=${request.v} HTTP/1.1\r\nHost: ${request.host}\r\nContent-Length: 0\r\n\r\n`,
      )
      const got = answer.status === 302 ? (answer.field('location') ?? '').slice(1) : null
      const wanted = expected(routes.values(), request)
      assert.equal(
        got,
        wanted,
        `seed ${SEED}, round ${round}: ${JSON.stringify(request)}\n${[...routes.values()].map((r) => JSON.stringify(r)).join('\n')}`,
      )
      asked++
    }
    client.close()
  }
  console.log(
    `precedence differential: 0 differences of ${asked} requests over ${ROUNDS} changes (seed ${SEED})`,
  )
})
