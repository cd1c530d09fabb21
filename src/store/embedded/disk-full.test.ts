import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { DocumentChange } from '../../model/document.ts'
import { plainContent } from '../store.ts'
import { openEmbeddedStore } from './embedded-store.ts'

const NOTE = { author: 'tester', message: null }

function put(id: string): DocumentChange {
  const key = { dialect: 'apisix', kind: 'routes', id }
  return { op: 'put', key, value: { pad: 'z'.repeat(4000) }, expiresAtMs: null, expectedRevision: null }
}

function mountSmallDisk(): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', directory], { stdio: 'ignore' })
    return directory
  } catch {
    rmdirSync(directory)
    return null
  }
}

function fill(path: string): void {
  for (const size of [65_536, 4096, 1]) {
    try {
      while (true) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // That is the aim: no room for another piece of this size.
    }
  }
}

describe('embedded store on a full disk', () => {
  it('refuses writes, still reads, and takes writes again once there is room, without a restart', async (context) => {
    const directory = mountSmallDisk()
    if (directory === null) {
      context.skip('mounting a tmpfs is not permitted here')
      return
    }
    context.after(() => {
      execFileSync('umount', [directory])
      rmdirSync(directory)
    })
    const data = join(directory, 'data')
    const warnings: string[] = []
    const store = await openEmbeddedStore(data, {
      copyIntervalMs: 0,
      onWarning: (text) => warnings.push(text),
    })
    await store.commit([put('before')], NOTE, 1)
    fill(join(directory, 'filler'))
    let refused = 0
    const acknowledged = ['before']
    for (let n = 0; n < 40; n++) {
      try {
        await store.commit([put(`full-${n}`)], NOTE, 1)
        acknowledged.push(`full-${n}`)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'STORE_UNAVAILABLE')
        refused++
      }
    }
    assert.ok(refused > 0, 'the disk was never full')
    const during = (await store.load()).documents.map((document) => document.key.id)
    assert.deepEqual(during.sort(), [...acknowledged].sort())
    rmSync(join(directory, 'filler'))
    await store.commit([put('after')], NOTE, 2)
    acknowledged.push('after')
    await store.close()
    const again = await openEmbeddedStore(data)
    assert.equal(again.readOnly, null)
    const kept = (await again.load()).documents.map((document) => document.key.id)
    assert.deepEqual(kept.sort(), acknowledged.sort())
    await again.close()
    console.log(`disk full: ${refused} writes 503, reads 0 failed, recovered without restart`)
  })

  it('starts on a full disk with every document, and says so where it then cannot write', async (context) => {
    const directory = mountSmallDisk()
    if (directory === null) {
      context.skip('mounting a tmpfs is not permitted here')
      return
    }
    context.after(() => {
      execFileSync('umount', [directory])
      rmdirSync(directory)
    })
    const data = join(directory, 'data')
    const store = await openEmbeddedStore(data)
    await store.commit([put('1'), put('2')], NOTE, 1)
    const expected = await store.load()
    await store.close()
    fill(join(directory, 'filler'))
    const full = await openEmbeddedStore(data)
    const content = await full.load()
    assert.deepEqual(plainContent(content).documents, plainContent(expected).documents)
    if (full.readOnly !== null) assert.equal(content.faults.length, 1)
    await assert.rejects(full.commit([put('3')], NOTE, 1), { code: 'STORE_UNAVAILABLE' })
    await full.close()
    rmSync(join(directory, 'filler'))
    const again = await openEmbeddedStore(data)
    assert.equal(again.readOnly, null)
    assert.deepEqual(plainContent(await again.load()), plainContent(expected))
    await again.close()
  })
})
