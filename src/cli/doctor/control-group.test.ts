import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readControlGroup } from './control-group.ts'

function read(files: Readonly<Record<string, string>>) {
  return readControlGroup((path) => files[path] ?? null)
}

test('version 2: the tightest bound of the group and those above it counts', () => {
  const found = read({
    '/proc/self/cgroup': '0::/system.slice/headgate.service',
    '/sys/fs/cgroup/system.slice/headgate.service/memory.max': 'max',
    '/sys/fs/cgroup/system.slice/memory.max': '1073741824',
    '/sys/fs/cgroup/system.slice/headgate.service/cpu.max': '150000 100000',
    '/sys/fs/cgroup/system.slice/cpu.max': 'max 100000',
  })
  assert.deepEqual(found, { limitBytes: 1_073_741_824, cpuQuota: 1.5 })
})

test('version 1: numbers beyond all memory and -1 are no bound', () => {
  const groups = '4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/'
  const bounded = read({
    '/proc/self/cgroup': groups,
    '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '536870912',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '50000',
    '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
  })
  assert.deepEqual(bounded, { limitBytes: 536_870_912, cpuQuota: 0.5 })
})

test('a system without control groups has no bound', () => {
  assert.deepEqual(read({}), { limitBytes: null, cpuQuota: null })
})
