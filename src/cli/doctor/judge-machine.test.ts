import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check } from './check.ts'
import {
  judgeClock,
  judgeConntrack,
  judgeLeast,
  judgeLocalPorts,
  judgeMachine,
  judgeMemory,
  judgeMigration,
  judgeNode,
  judgeOpenFiles,
  judgeProcessors,
  judgeReuse,
  judgeStreams,
  type MachineNeeds,
} from './judge-machine.ts'
import type { MachineFacts } from './machine-facts.ts'

const GIB = 1_073_741_824
const NEEDS: MachineNeeds = { maxConnections: 16_000, workers: 2, listen: ['127.0.0.1:9080'] }

function sysctls(values: Readonly<Record<string, string>>): Pick<MachineFacts, 'sysctl'> {
  return { sysctl: (name) => values[name] ?? null }
}

/** Level and a word of the advice. */
function expect(check: Check, level: Check['level'], advice: RegExp | null = null): void {
  assert.equal(check.level, level, JSON.stringify(check))
  if (level === 'ok') assert.equal(check.advice, null)
  else assert.match(check.advice ?? '', advice ?? /./)
}

test('Node: 24 is well, other majors are warned of, what is too old fails', () => {
  expect(judgeNode({ nodeVersion: '24.21.0' }), 'ok')
  expect(judgeNode({ nodeVersion: '22.18.0' }), 'warn', /Node 24/)
  expect(judgeNode({ nodeVersion: '26.0.0' }), 'warn', /Node 24/)
  expect(judgeNode({ nodeVersion: '22.17.1' }), 'fail', /22\.18/)
  expect(judgeStreams({ hasFastStreams: true }), 'ok')
  expect(judgeStreams({ hasFastStreams: false }), 'warn', /Node 24/)
})

test('open files are held against the connections that are allowed', () => {
  const judge = (soft: number | null, maxConnections: number): Check =>
    judgeOpenFiles({ openFiles: { soft, hard: soft } }, { maxConnections })
  expect(judge(20_000, 16_000), 'ok')
  expect(judge(null, 16_000), 'ok')
  expect(judge(1024, 819), 'warn', /65536/)
  expect(judge(20_000, 19_000), 'warn', /38200/)
  expect(judge(20_000, 50_000), 'fail', /limits\.maxConnections/)
  expect(judgeOpenFiles({ openFiles: null }, NEEDS), 'warn')
  const open = judgeOpenFiles({ openFiles: { soft: 20_000, hard: null } }, NEEDS)
  assert.match(open.value, /hard limit none/)
})

test('memory is held against the workers, the bound of a container counts', () => {
  const judge = (limitBytes: number | null, availableBytes: number | null, workers = 2): Check =>
    judgeMemory({ memory: { totalBytes: 8 * GIB, availableBytes, limitBytes, cpuQuota: null } }, { workers })
  expect(judge(null, 4 * GIB), 'ok')
  expect(judge(null, null), 'ok')
  expect(judge(GIB / 4, 4 * GIB), 'warn', /give it more/)
  expect(judge(null, GIB / 16), 'warn', /give it more/)
  expect(judge(GIB / 8, 4 * GIB), 'fail', /--workers/)
  assert.match(judge(GIB, 4 * GIB).value, /^1 GiB \(control group\), 1 GiB available$/)
})

test('more workers than processors, or than a quota grants, are warned of', () => {
  const judge = (processors: number, cpuQuota: number | null, workers: number): Check =>
    judgeProcessors(
      { processors, memory: { totalBytes: GIB, availableBytes: GIB, limitBytes: null, cpuQuota } },
      { workers },
    )
  expect(judge(4, null, 4), 'ok')
  expect(judge(4, null, 5), 'warn', /--workers 4/)
  expect(judge(4, 1.5, 2), 'warn', /--workers 1/)
  expect(judge(4, 0.5, 1), 'ok')
})

test('a clock that was never set fails, one that jumps or is not synchronized is warned of', () => {
  const nowMs = Date.UTC(2026, 10, 26)
  const judge = (change: Partial<MachineFacts['clock']>): Check =>
    judgeClock({ clock: { nowMs, jumpMs: 1, watchedMs: 200, isSynchronized: null, ...change } })
  expect(judge({}), 'ok')
  expect(judge({ isSynchronized: true }), 'ok')
  expect(judge({ isSynchronized: false }), 'warn', /timedatectl/)
  expect(judge({ jumpMs: -3_600_000 }), 'warn', /slew/)
  expect(judge({ nowMs: 5_000 }), 'fail', /set the clock/)
})

test('values of the kernel below what is wanted come with the command that sets them', () => {
  const judge = (value?: string): Check =>
    judgeLeast(
      sysctls(value === undefined ? {} : { 'net.core.somaxconn': value }),
      'net.core.somaxconn',
      4096,
      'x',
    )
  expect(judge('4096'), 'ok')
  expect(judge('128'), 'warn', /sysctl -w net\.core\.somaxconn=4096/)
  expect(judge(), 'warn', /4096/)
  expect(judgeReuse(sysctls({ 'net.ipv4.tcp_tw_reuse': '2' })), 'ok')
  expect(judgeReuse(sysctls({ 'net.ipv4.tcp_tw_reuse': '0' })), 'warn', /tcp_tw_reuse=1/)
})

test('handing waiting connections on matters where there are several workers', () => {
  const judge = (value: string | undefined, workers: number): Check =>
    judgeMigration(sysctls(value === undefined ? {} : { 'net.ipv4.tcp_migrate_req': value }), { workers })
  expect(judge('1', 4), 'ok')
  expect(judge('0', 1), 'ok')
  expect(judge(undefined, 1), 'ok')
  expect(judge('0', 4), 'warn', /tcp_migrate_req=1/)
  expect(judge(undefined, 4), 'warn', /5\.14/)
})

test('local ports must be many and must leave the listeners alone', () => {
  const judge = (range: string, listen = '127.0.0.1:9080', reserved = ''): Check =>
    judgeLocalPorts(
      sysctls({
        'net.ipv4.ip_local_port_range': range,
        'net.ipv4.ip_local_reserved_ports': reserved,
      }),
      { ...NEEDS, listen: [listen] },
    )
  expect(judge('32768\t60999'), 'ok')
  expect(judge('60000\t60999'), 'warn', /10240 65535/)
  expect(judge('32768\t60999', '[::]:40000'), 'warn', /reserved_ports=40000/)
  expect(judge('32768\t60999', '[::]:40000', '8080,39000-41000'), 'ok')
  expect(judgeLocalPorts(sysctls({}), NEEDS), 'warn')
})

test('a full table of connections fails', () => {
  const judge = (conntrack: MachineFacts['conntrack']): Check => judgeConntrack({ conntrack }, NEEDS)
  expect(judge(null), 'ok')
  expect(judge({ count: 100, max: 262_144 }), 'ok')
  expect(judge({ count: 100, max: 8192 }), 'warn', /nf_conntrack_max=64000/)
  expect(judge({ count: 250_000, max: 262_144 }), 'fail', /524288/)
})

test('on other systems than Linux no value of its kernel is asked', () => {
  const facts: MachineFacts = {
    platform: 'darwin',
    nodeVersion: '24.21.0',
    hasFastStreams: true,
    processors: 4,
    user: 1000,
    openFiles: null,
    memory: { totalBytes: 8 * GIB, availableBytes: null, limitBytes: null, cpuQuota: null },
    clock: { nowMs: Date.UTC(2026, 0), jumpMs: 0, watchedMs: 200, isSynchronized: null },
    sysctl: () => assert.fail('asked'),
    conntrack: null,
  }
  const checks = judgeMachine(facts, NEEDS)
  assert.ok(checks.some(({ name, level }) => name === 'system' && level === 'warn'))
  assert.ok(!checks.some(({ name }) => name.startsWith('net.')))
})
