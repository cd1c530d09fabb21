import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import type { KubeConnection } from './connection.ts'

/** The file that kubectl has: clusters, users and contexts by name. Throws a sentence where it does not say how a cluster is reached. */
export function readKubeconfig(file: string, context: string | null): KubeConnection {
  const root = objectOf(parse(readFileSync(file, 'utf8')))
  const name = context ?? textOf(root['current-context'])
  if (name === null) throw new Error(`${file} has no current-context, and the setting context names none`)
  const chosen = named(root.contexts, name, 'context')
  if (chosen === null) throw new Error(`${file} has no context ${name}`)
  const cluster = named(root.clusters, textOf(chosen.cluster) ?? '', 'cluster')
  if (cluster === null) throw new Error(`${file} has no cluster ${textOf(chosen.cluster) ?? ''}`)
  const user = named(root.users, textOf(chosen.user) ?? '', 'user') ?? {}
  if (user.exec !== undefined || user['auth-provider'] !== undefined)
    throw new Error(
      `${file}: the user of ${name} is known to a program only (exec): give it a token or a certificate`,
    )
  if (cluster['insecure-skip-tls-verify'] === true)
    throw new Error(
      `${file}: insecure-skip-tls-verify is refused: give the cluster its certificate-authority`,
    )
  const server = textOf(cluster.server)
  if (server === null) throw new Error(`${file}: the cluster of ${name} has no server`)
  const folder = dirname(file)
  const pem = (owner: Record<string, unknown>, field: string): string | null => {
    const data = textOf(owner[`${field}-data`])
    if (data !== null) return Buffer.from(data, 'base64').toString('utf8')
    const path = textOf(owner[field])
    return path === null ? null : readFileSync(resolve(folder, path), 'utf8')
  }
  const tokenFile = textOf(user.tokenFile)
  const token = textOf(user.token)
  return {
    server: server.replace(/\/+$/, ''),
    ca: pem(cluster, 'certificate-authority'),
    certificate: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    token: () => (tokenFile === null ? token : readFileSync(resolve(folder, tokenFile), 'utf8').trim()),
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** What stands under `field` in the entry of that name. */
function named(list: unknown, name: string, field: string): Record<string, unknown> | null {
  if (!Array.isArray(list)) return null
  const found = list.map(objectOf).find((entry) => entry.name === name)
  return found === undefined ? null : objectOf(found[field])
}
