import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { findTool, waitFor } from './tools.ts'

/** Addresses by name, and lines of dnsmasq's own configuration for the rest (`srv-host=…`). */
export interface Zone {
  readonly hosts?: Readonly<Record<string, readonly string[]>>
  readonly lines?: readonly string[]
  /** Of hosts. Seconds, default 1. */
  readonly ttl?: number
}

export interface NameServer {
  /** `127.0.0.x:port` */
  readonly address: string
  /** Answers from the new zone once it resolves. */
  change(zone: Zone): Promise<void>
  /** Answers nothing (SIGSTOP), or again. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

const HOST = '127.0.0.53'

async function findFreeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve))
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

/** A dnsmasq that knows a zone below `test` and nobody else. The caller closes it. */
export async function startNameServer(zone: Zone): Promise<NameServer> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-names-'))
  const port = await findFreeUdpPort()
  const probe = new Resolver({ timeout: 200, tries: 1 })
  probe.setServers([`${HOST}:${port}`])
  let version = 0
  let child: ChildProcess | null = null
  const stop = async (): Promise<void> => {
    const old = child
    child = null
    if (old === null || old.exitCode !== null || old.signalCode !== null) return
    const ended = new Promise((resolve) => old.once('close', resolve))
    old.kill('SIGKILL')
    await ended
  }
  const change = async ({ hosts = {}, lines = [], ttl = 1 }: Zone): Promise<void> => {
    await stop()
    version++
    const records = Object.entries(hosts).flatMap(([name, addresses]) =>
      addresses.map((address) => `${address} ${name}`),
    )
    writeFileSync(join(folder, 'hosts'), `${records.join('\n')}\n`)
    const conf = [
      'no-resolv',
      'no-hosts',
      'bind-interfaces',
      'local=/test/',
      `listen-address=${HOST}`,
      `port=${port}`,
      `user=${userInfo().username}`,
      `local-ttl=${ttl}`,
      'neg-ttl=1',
      'pid-file=',
      `addn-hosts=${join(folder, 'hosts')}`,
      `txt-record=version.test,v${version}`,
      ...lines,
    ]
    writeFileSync(join(folder, 'dnsmasq.conf'), `${conf.join('\n')}\n`)
    const started = spawn(
      findTool('dnsmasq') ?? 'dnsmasq',
      ['--keep-in-foreground', `--conf-file=${join(folder, 'dnsmasq.conf')}`],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let stderr = ''
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const kill = () => started.kill('SIGKILL')
    process.once('exit', kill)
    started.once('close', () => process.off('exit', kill))
    child = started
    await waitFor('the name server to answer', async () => {
      if (started.exitCode !== null) throw new Error(`dnsmasq ended: ${stderr}`)
      const text = await probe.resolveTxt('version.test').catch(() => null)
      return text?.[0]?.[0] === `v${version}` ? true : undefined
    })
  }
  await change(zone)
  return {
    address: `${HOST}:${port}`,
    change,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
