import { fileURLToPath } from 'node:url'
import { resolveSettings } from '../gateway/settings.ts'
import { runApply } from './apply.ts'
import { PAGE_KEY } from './demo.ts'
import type { CliIo } from './output.ts'
import { startSampleMesh } from './sample-mesh.ts'
import { superviseSignals } from './signals.ts'
import { startAll } from './start.ts'

/** The mesh of the demo; the routes of its page stand beside it. */
const MESH = fileURLToPath(new URL('../../examples/mesh/mesh.yaml', import.meta.url))

/** `headgate demo mesh`: a mesh of seven proxies in one process, beside the applications of each; runs until Ctrl-C. */
export async function runMeshDemo(io: CliIo): Promise<number> {
  const settings = resolveSettings(
    {
      adminKey: PAGE_KEY,
      insecureAdminKey: true,
      store: 'memory',
      workers: '2',
      logLevel: 'error',
      dataplane: ['all'],
    },
    process.env,
  )
  const applications = await startSampleMesh()
  try {
    const { gateway, log } = await startAll(settings, process.env)
    const ended = superviseSignals(gateway, log)
    const admin = gateway.addresses.admin ?? ''
    const flags = { server: `http://${admin}`, adminKey: PAGE_KEY, output: 'text', quiet: true } as const
    const code = await runApply({ ...flags, file: MESH }, io)
    if (code !== 0) process.kill(process.pid, 'SIGTERM')
    else io.write(whatNext(admin))
    return Math.max(code, await ended)
  } finally {
    await applications.close()
  }
}

function whatNext(admin: string): string {
  const apply = (file: string): string =>
    `headgate apply --server http://${admin} --admin-key ${PAGE_KEY} -f examples/mesh/${file}.yaml`
  return `a mesh of seven proxies is ready, Admin API on http://${admin}
  frontend calls backend (1.0 and 2.0) at http://127.0.0.1:20080
  backend  calls redis   (1.0 and 2.0) at 127.0.0.1:26379

What to try (the mesh runs until Ctrl-C; paste into another terminal). Each file takes the place of the one before:

  # L4 split: of 100 connections 90 to redis 1.0 and 10 to redis 2.0
  ${apply('l4-split')}
  for i in $(seq 100); do redis-cli -p 26379 get version; done | sort | uniq -c

  # L4 reroute: another redis
  ${apply('l4-reroute')}
  redis-cli -p 26379 get version        # or: printf 'GET version\\r\\nQUIT\\r\\n' | nc 127.0.0.1 26379

  # L7 split: below /api 90 and 10 of 100 requests, all others to backend 1.0
  ${apply('l7-split')}
  for i in $(seq 100); do curl -s http://127.0.0.1:20080/api/x; done | grep ^backend | sort | uniq -c

  # L7 modification: a field for the backend
  ${apply('l7-modify')}
  curl http://127.0.0.1:20080/

  # L7 reroute: /offers has a service of its own
  ${apply('l7-reroute')}
  curl http://127.0.0.1:20080/offers

  # balancers: round-robin, least-request, ring-hash, random, maglev
  ${apply('ring-hash')}
  curl http://127.0.0.1:20080/ -H 'x-user: 7'
`
}
