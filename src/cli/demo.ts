import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { resolveSettings } from '../gateway/settings.ts'
import type { Gateway } from '../gateway/start.ts'
import { startSampleBackends } from './sample-backends.ts'
import { superviseSignals } from './signals.ts'
import { startAll } from './start.ts'

/** The key printed in APISIX's documentation, so that its commands can be pasted. Loopback only. */
export const PAGE_KEY = 'edd1c9f034335f136f87ad84b625c8f1'
const ROUNDS = 5
const PER_ROUND = 100

/** The page's canary: 3 of 5 to 1981, 2 of 5 to 1980. */
const CANARY = {
  uri: '/index.html',
  plugins: {
    'traffic-split': {
      rules: [
        {
          weighted_upstreams: [
            {
              upstream: {
                name: 'upstream_A',
                type: 'roundrobin',
                nodes: { '127.0.0.1:1981': 10 },
                timeout: { connect: 15, send: 15, read: 15 },
              },
              weight: 3,
            },
            { weight: 2 },
          ],
        },
      ],
    },
  },
  upstream: { type: 'roundrobin', nodes: { '127.0.0.1:1980': 1 } },
}

export interface DemoOptions {
  readonly hasTraffic: boolean
}

/** `headgate demo`: runs until Ctrl-C. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const settings = resolveSettings(
    { adminKey: PAGE_KEY, insecureAdminKey: true, store: 'memory', workers: '2', logLevel: 'error' },
    process.env,
  )
  const backends = await startSampleBackends()
  try {
    const { gateway, log } = await startAll(settings, process.env)
    const ended = superviseSignals(gateway, log)
    const traffic = new AbortController()
    const story = tellStory(gateway, options, traffic.signal).catch((error: unknown) => {
      if (!traffic.signal.aborted)
        process.stderr.write(`headgate: the demo's traffic failed: ${String(error)}\n`)
    })
    const code = await ended
    traffic.abort()
    await story
    return code
  } finally {
    await backends.close()
  }
}

async function tellStory(gateway: Gateway, options: DemoOptions, signal: AbortSignal): Promise<void> {
  const admin = gateway.addresses.admin ?? ''
  const listen = gateway.addresses.listen[0] ?? ''
  const say = (text: string): void => {
    process.stdout.write(`${text}\n`)
  }
  say(`headgate is ready: traffic on http://${listen}, Admin API on http://${admin}`)
  say('sample backends on 127.0.0.1:1980, 1981 and 1982\n')
  say('PUT /apisix/admin/routes/1: /index.html, a canary with weights 3 (1981) and 2 (1980)')
  const stored = await call(admin, 'PUT', '/apisix/admin/routes/1', JSON.stringify(CANARY))
  if (stored.status > 201) throw new Error(`the Admin API answered ${stored.status}: ${stored.body}`)
  if (options.hasTraffic) await sendTraffic(listen, say, signal)
  if (!signal.aborted) say(whatNext(listen, admin))
}

/** The first answers one by one, then rounds with their counts. */
async function sendTraffic(listen: string, say: (text: string) => void, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const counts = new Map<string, number>()
  const ask = async (): Promise<string> => {
    const { body } = await call(listen, 'GET', '/index.html', '', agent)
    const answer = body.trim()
    counts.set(answer, (counts.get(answer) ?? 0) + 1)
    return answer
  }
  const first: string[] = []
  for (let i = 0; i < 5; i++) first.push(await ask())
  say(`\nfive requests:  ${first.join(' | ')}`)
  for (let round = 1; round <= ROUNDS && !signal.aborted; round++) {
    for (let i = round === 1 ? 5 : 0; i < PER_ROUND && !signal.aborted; i++) await ask()
    const shares = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([answer, n]) => `${answer}: ${n}`)
    say(`${String(round * PER_ROUND).padStart(4)} requests:  ${shares.join('   ')}`)
    await delay(300, undefined, { signal }).catch(() => {}) // Ctrl-C in between
  }
  agent.destroy()
}

function call(
  address: string,
  method: string,
  path: string,
  body: string,
  agent?: Agent,
): Promise<{ status: number; body: string }> {
  const at = address.lastIndexOf(':')
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: address.slice(0, at).replace(/^\[|\]$/g, ''),
        port: Number(address.slice(at + 1)),
        method,
        path,
        ...(agent === undefined ? {} : { agent }),
        headers: method === 'GET' ? {} : { 'x-api-key': PAGE_KEY, 'content-length': Buffer.byteLength(body) },
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => {
          text += part
        })
        answer.once('error', reject)
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: text }))
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function whatNext(listen: string, admin: string): string {
  return `
What to try next (the gateway runs until Ctrl-C; paste into another terminal):

  curl http://${listen}/index.html -i

  # half of the traffic to each version; weights 1 and 0 give all of it to the new one
  curl http://${admin}/apisix/admin/routes/1/plugins/traffic-split/rules -H 'X-API-KEY: ${PAGE_KEY}' -X PATCH -d '
  [ { "weighted_upstreams": [
    { "upstream": { "type": "roundrobin", "nodes": { "127.0.0.1:1981": 1 } }, "weight": 1 },
    { "weight": 1 }
  ] } ]'

  # a rule: clients with the header "release: new_release" get 1981, everybody else 1980
  curl http://${admin}/apisix/admin/routes/2 -H 'X-API-KEY: ${PAGE_KEY}' -X PUT -d '
  {
    "uri": "/hello",
    "plugins": { "traffic-split": { "rules": [ {
      "match": [ { "vars": [ ["http_release", "==", "new_release"] ] } ],
      "weighted_upstreams": [ { "upstream": { "type": "roundrobin", "nodes": { "127.0.0.1:1981": 1 } } } ]
    } ] } },
    "upstream": { "type": "roundrobin", "nodes": { "127.0.0.1:1980": 1 } }
  }'
  curl http://${listen}/hello -H 'release: new_release'
  curl http://${listen}/hello

  # what is configured, and what is counted
  curl http://${admin}/apisix/admin/routes -H 'X-API-KEY: ${PAGE_KEY}'
  curl http://127.0.0.1:9091/metrics

Every other command of the APISIX traffic-split page works as it is printed there, too.`
}
