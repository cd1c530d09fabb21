import { findTool } from '../test/support/tools.ts'
import { PACKAGES, type Scenario, type Tool } from './load/scenario.ts'

/** Node packages of the peers; development dependencies of this workspace member. */
const PEERS = ['http-proxy', '@fastify/http-proxy']

/** What has to be there for these scenarios and is not, with what to do about it; null when all is. */
export function whatIsMissing(
  chosen: readonly Scenario[],
  processors: number,
  has: (tool: Tool) => boolean = (tool) => findTool(tool) !== null,
): string | null {
  if (process.platform !== 'linux') return 'needs Linux: it reads processor times from /proc'
  if (processors < 2)
    return 'needs two processors: one for what is measured, one for what drives it (see taskset -p $$ for those that this shell may use)'
  const tools = [...new Set(chosen.flatMap((scenario) => scenario.needs))].filter((tool) => !has(tool))
  if (tools.length > 0)
    return `needs ${tools.join(', ')}, which ${tools.length === 1 ? 'is' : 'are'} not installed. On Debian: apt-get install ${[...new Set(tools.map((tool) => PACKAGES[tool]))].join(' ')}`
  const packages = PEERS.filter((name) => !isInstalled(name))
  if (packages.length > 0) return `needs ${packages.join(', ')} from npm: run npm ci first`
  return null
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}
