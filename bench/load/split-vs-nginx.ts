/**
 * CPU per request of a 3:2 split, beside nginx's weighted proxy in the same rounds: `npm run bench` (needs nginx, h2load, wrk and taskset).
 *
 *   node bench/load/split-vs-nginx.ts [--rounds 25] [--seconds 2] [--connections 64] [--rate 350] [--saturate] [--bar 1.35]
 *
 * Gateway and nginx run one worker each on processor 0, load and backends on processor 1. Each round drives both in turn, so that a machine
 * whose speed drifts drifts for both; the ratio is taken round by round and its median printed. Exit 1 if it is over the bar.
 *
 * Both are driven at the same rate (`--rate` requests a second on each connection). With `--saturate` wrk drives both as fast as they go, and
 * then the figure says less about cost: whoever is slower lets the peers on the other processor fall asleep, and pays for waking them with
 * every write (seen here: the same gateway process at 22 or at 33 µs, with 22 or 58 events in each turn of its loop). A round in which one of them does not reach the rate was disturbed from outside (the machine is far from full at it) and is not
 * counted; if more than two thirds are, the bench fails.
 */
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import {
  cpuSeconds,
  freePort,
  type Load,
  median,
  residentBytes,
  runH2load,
  runWrk,
  startNginx,
  startPinned,
} from '../support/processes.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
    rate: { type: 'string', default: '350' },
    saturate: { type: 'boolean', default: false },
    bar: { type: 'string', default: '1.35' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const KEY = 'benchmark-key-of-this-run-0123456789'

const [blue, green, nginxPort, gatewayPort, adminPort] = [
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
]
const backends = await startNginx(
  1,
  [blue, green]
    .map(
      (port) =>
        `server { listen 127.0.0.1:${port}; location / { default_type text/html; return 200 "hello ${port}"; } }`,
    )
    .join('\n'),
  green,
)
const nginx = await startNginx(
  0,
  `upstream split { server 127.0.0.1:${blue} weight=3; server 127.0.0.1:${green} weight=2; keepalive 128; keepalive_requests 1000000000; }
   server { listen 127.0.0.1:${nginxPort}; location / { proxy_pass http://split; proxy_http_version 1.1; proxy_set_header Connection "";
   proxy_set_header Host $http_host; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
   proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port; } }`,
  nginxPort,
)
const gateway = await startPinned(
  0,
  [
    process.execPath,
    'bin/headgate.js',
    'start',
    '--workers',
    '1',
    '--store',
    'memory',
    '--status',
    'off',
    '--access-log',
    'off',
  ].concat([
    '--listen',
    `127.0.0.1:${gatewayPort}`,
    '--admin',
    `127.0.0.1:${adminPort}`,
    '--log-level',
    'warn',
  ]),
  gatewayPort,
  { ...process.env, HEADGATE_ADMIN_KEY: KEY },
)

try {
  const idleMiB = residentBytes(gateway.pid) / 2 ** 20
  await configure()
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  )
  console.log(`idle gateway, one worker: ${idleMiB.toFixed(0)} MiB resident`)
  await measure(`http://127.0.0.1:${nginxPort}/`, nginx.pid, 2, true)
  // optimised code needs some 60 000 requests to be all there
  await measure(`http://127.0.0.1:${gatewayPort}/`, gateway.pid, 8, true)
  const ratios: number[] = []
  console.log('round   nginx µs/req   headgate µs/req   ratio   nginx req/s   headgate req/s   p99 ms')
  const due = connections * Number(values.rate) * seconds * 0.97
  for (let round = 1; ratios.length < rounds && round <= 3 * rounds; round++) {
    const theirs = await measure(`http://127.0.0.1:${nginxPort}/`, nginx.pid, seconds)
    const ours = await measure(`http://127.0.0.1:${gatewayPort}/`, gateway.pid, seconds)
    const ratio = ours.cost / theirs.cost
    const isSound = values.saturate || (theirs.load.requests >= due && ours.load.requests >= due)
    if (isSound) ratios.push(ratio)
    console.log(
      `${String(round).padStart(5)}   ${theirs.cost.toFixed(2).padStart(12)}   ${ours.cost.toFixed(2).padStart(15)}   ${ratio.toFixed(3)}   ` +
        `${rate(theirs.load).padStart(11)}   ${rate(ours.load).padStart(14)}   ${values.saturate ? `${theirs.load.p99Ms} / ${ours.load.p99Ms}` : '-'}${isSound ? '' : '   not counted: the rate was not reached'}`,
    )
  }
  if (ratios.length < rounds)
    throw new Error(`only ${ratios.length} rounds could be counted: the machine is too busy`)
  const middle = median(ratios)
  console.log(
    `CPU per request, 3:2 split, ${connections} connections, ${values.saturate ? 'as fast as they go' : `${connections * Number(values.rate)} requests/s`}: ${middle.toFixed(2)} x nginx (min ${Math.min(...ratios).toFixed(2)}, max ${Math.max(...ratios).toFixed(2)}, ${ratios.length} rounds; bar ${values.bar})`,
  )
  process.exitCode = middle <= Number(values.bar) ? 0 : 1
} finally {
  await Promise.all([gateway.stop(), nginx.stop(), backends.stop()])
}

/** The canary of the traffic-split page, with other ports. */
async function configure(): Promise<void> {
  const node = (port: number): object => ({ type: 'roundrobin', nodes: { [`127.0.0.1:${port}`]: 1 } })
  const answer = await fetch(`http://127.0.0.1:${adminPort}/apisix/admin/routes/1`, {
    method: 'PUT',
    headers: { 'X-API-KEY': KEY },
    body: JSON.stringify({
      uri: '/*',
      plugins: {
        'traffic-split': {
          rules: [{ weighted_upstreams: [{ upstream: node(blue), weight: 3 }, { weight: 2 }] }],
        },
      },
      upstream: node(green),
    }),
  })
  if (answer.status !== 201)
    throw new Error(`the route was not taken: ${answer.status} ${await answer.text()}`)
}

async function measure(
  url: string,
  pid: number,
  duration: number,
  isWarmUp = false,
): Promise<{ load: Load; cost: number }> {
  const before = cpuSeconds(pid)
  const load =
    values.saturate || isWarmUp
      ? await runWrk(1, url, connections, duration)
      : await runH2load(1, url, connections, Number(values.rate), duration)
  const cost = ((cpuSeconds(pid) - before) / load.requests) * 1e6
  if (load.errors > 0) throw new Error(`${load.errors} of ${load.requests} requests failed at ${url}`)
  return { load, cost }
}

function rate(load: Load): string {
  return (load.requests / load.seconds).toFixed(0)
}
