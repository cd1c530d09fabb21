import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { describeReadOnlyStore } from '../store.contract.ts'
import type { StoreContent, StoreFault } from '../store.ts'
import { type FileReader, formatPlace } from './file-reader.ts'
import { type FileStore, openFileStore } from './file-store.ts'

const READER: FileReader = {
  dialect: 'toy',
  kinds: ['routes'],
  read: (root) => {
    if (!isJsonObject(root) || !Array.isArray(root.routes)) return null
    const routes: readonly JsonObject[] = root.routes
    return {
      documents: routes.map((value, i) => ({
        kind: 'routes',
        id: String(value.id),
        value,
        path: `routes[${i}]`,
      })),
      faults: [],
    }
  },
  validate: (_, value) => (value.bad === true ? [{ path: 'bad', message: 'is bad', hint: null }] : []),
}

type Report =
  | { readonly kind: 'change'; readonly content: StoreContent }
  | { readonly kind: 'fault'; readonly faults: readonly StoreFault[] }

/** A watched store; `next` gives reports in their order and waits for one that has not come yet. */
class Watched {
  readonly directory: string
  readonly store: FileStore
  readonly #reports: Report[] = []
  #waiting: ((report: Report) => void) | null = null

  constructor(directory: string, store: FileStore) {
    this.directory = directory
    this.store = store
    store.watch(
      (content) => this.#push({ kind: 'change', content }),
      (faults) => this.#push({ kind: 'fault', faults }),
    )
  }

  #push(report: Report): void {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting === null) this.#reports.push(report)
    else waiting(report)
  }

  next(): Promise<Report> {
    const ready = this.#reports.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  async nextIds(): Promise<string[]> {
    const report = await this.next()
    assert.equal(report.kind, 'change', JSON.stringify(report))
    return report.kind === 'change'
      ? report.content.documents.map((d) => `${d.key.id}:${d.value.n}`).sort()
      : []
  }

  async nextFaults(): Promise<readonly StoreFault[]> {
    const report = await this.next()
    assert.equal(report.kind, 'fault', JSON.stringify(report))
    return report.kind === 'fault' ? report.faults : []
  }

  get unread(): number {
    return this.#reports.length
  }
}

function routes(...entries: [id: string, n: number][]): string {
  if (entries.length === 0) return 'routes: []\n'
  return `routes:\n${entries.map(([id, n]) => `- {id: ${id}, n: ${n}}\n`).join('')}`
}

function folder(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-files-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function watched(context: TestContext, target: string, directory: string): Promise<Watched> {
  const store = await openFileStore(target, [READER], { environment: {} })
  context.after(() => store.close())
  await store.load()
  const gateway = new Watched(directory, store)
  // `watch` reads once more by itself; past that, only events of the file system can tell.
  await turn()
  await turn()
  return gateway
}

describeReadOnlyStore('files', 'READ_ONLY', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-files-'))
  writeFileSync(join(directory, 'a.yaml'), routes(['1', 1]))
  return {
    durable: true,
    open: () => openFileStore(directory, [READER]),
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  }
})

describe('file store', { timeout: 60_000 }, () => {
  it('loads good files beside bad ones, and names the file when a write is refused', async (context) => {
    const directory = folder(context)
    writeFileSync(join(directory, 'a.yaml'), routes(['1', 1]))
    writeFileSync(join(directory, 'b.yaml'), 'routes: [\n')
    writeFileSync(join(directory, 'c.yaml'), 'routes:\n- {id: 3, n: 3}\n- {id: 4, bad: true}\n')
    const store = await openFileStore(directory, [READER])
    context.after(() => store.close())
    const content = await store.load()
    assert.deepEqual(
      content.documents.map((d) => d.key.id),
      ['1', '3'],
    )
    assert.deepEqual(
      content.faults.map((fault) => fault.place.slice(directory.length + 1)),
      ['b.yaml:2:1', 'c.yaml:3:16'],
    )
    assert.equal(store.readOnly, `the configuration comes from ${directory}; change the file instead`)
    const key = { dialect: 'toy', kind: 'routes', id: '3' }
    await assert.rejects(store.commit([{ op: 'delete', key, expectedRevision: null }]), {
      code: 'READ_ONLY',
      message: /change the file instead \(toy\/routes\/3: .*c\.yaml:2:3\)/,
    })
    assert.equal(store.locate(key, 'n')?.column, 14)
    assert.equal(store.locate({ ...key, id: 'none' }, ''), null)
  })

  it('refuses to start from nothing: no target, or files without one usable document', async (context) => {
    const directory = folder(context)
    await assert.rejects(openFileStore(join(directory, 'none.yaml'), [READER]), {
      code: 'BAD_SETTING',
      message: /none\.yaml: cannot be read: ENOENT/,
    })
    writeFileSync(join(directory, 'a.yaml'), 'routes: [\n')
    const store = await openFileStore(directory, [READER])
    await assert.rejects(store.load(), { code: 'STORE_DAMAGED', message: /a\.yaml:2:1: / })
    await store.close()
  })

  it('acts on changed, new, replaced and deleted files, and keeps the revisions of what is the same', async (context) => {
    const directory = folder(context)
    const file = join(directory, 'a.yaml')
    writeFileSync(file, routes(['1', 1], ['2', 1]))
    const gateway = await watched(context, directory, directory)
    writeFileSync(file, routes(['1', 2], ['2', 1]))
    assert.deepEqual(await gateway.nextIds(), ['1:2', '2:1'])
    const content = await gateway.store.load()
    assert.deepEqual(
      content.documents.map((d) => [d.key.id, d.createdRevision, d.modifiedRevision]),
      [
        ['1', 1, 2],
        ['2', 1, 1],
      ],
    )
    writeFileSync(join(directory, 'b.yaml'), routes(['3', 1]))
    assert.deepEqual(await gateway.nextIds(), ['1:2', '2:1', '3:1'])
    writeFileSync(join(directory, '.new'), routes(['1', 3]))
    renameSync(join(directory, '.new'), file)
    assert.deepEqual(await gateway.nextIds(), ['1:3', '3:1'])
    unlinkSync(file)
    assert.deepEqual(await gateway.nextIds(), ['3:1'])
  })

  it('keeps the last good documents of a file that turns bad, reports it once, and says when it is mended', async (context) => {
    const directory = folder(context)
    const file = join(directory, 'a.yaml')
    writeFileSync(file, routes(['1', 1]))
    writeFileSync(join(directory, 'b.yaml'), routes(['2', 1]))
    const gateway = await watched(context, directory, directory)
    writeFileSync(file, 'routes:\n- {id: 1, n: 2}\n- {id: [}\n')
    const [fault] = await gateway.nextFaults()
    assert.equal(fault?.place, `${file}:3:9`)
    // A change elsewhere is acted on meanwhile, and the bad file counts with its old documents.
    writeFileSync(join(directory, 'b.yaml'), routes(['2', 2]))
    assert.deepEqual(await gateway.nextIds(), ['1:1', '2:2'])
    // Touched without another content: no second report. The change that follows is the next thing heard.
    appendFileSync(file, '')
    writeFileSync(file, routes(['1', 1]))
    assert.deepEqual(await gateway.nextFaults(), [])
    writeFileSync(file, 'routes:\n- {id: 1, n: 5}\n- {id: 9, bad: true}\n')
    assert.equal((await gateway.nextFaults()).length, 1)
    assert.equal((await gateway.store.load()).documents[0]?.value.n, 1)
    writeFileSync(file, '')
    assert.match((await gateway.nextFaults())[0]?.message ?? '', /empty/)
    writeFileSync(file, routes(['1', 7]))
    assert.deepEqual(await gateway.nextIds(), ['1:7', '2:2'])
    assert.deepEqual((await gateway.store.load()).faults, [])
    assert.equal(gateway.unread, 0)
  })

  it('waits for the #END of a file that had one', async (context) => {
    const directory = folder(context)
    const file = join(directory, 'rules.yaml')
    writeFileSync(file, `${routes(['1', 1], ['2', 1])}#END\n`)
    const gateway = await watched(context, file, directory)
    writeFileSync(file, routes(['1', 2]))
    assert.match((await gateway.nextFaults())[0]?.message ?? '', /#END/)
    appendFileSync(file, '- {id: 2, n: 2}\n#END\n')
    assert.deepEqual(await gateway.nextIds(), ['1:2', '2:2'])
  })

  it('follows a swap of symbolic links as Kubernetes makes it', async (context) => {
    const directory = folder(context)
    const mount = join(directory, 'mount')
    const version = (name: string, n: number): void => {
      mkdirSync(join(mount, name), { recursive: true })
      writeFileSync(join(mount, name, 'a.yaml'), routes(['1', n]))
    }
    version('..v1', 1)
    symlinkSync('..v1', join(mount, '..data'))
    symlinkSync(join('..data', 'a.yaml'), join(mount, 'a.yaml'))
    const gateway = await watched(context, mount, directory)
    for (const n of [2, 3]) {
      version(`..v${n}`, n)
      symlinkSync(`..v${n}`, join(mount, '..data_tmp'))
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
      rmSync(join(mount, `..v${n - 1}`), { recursive: true })
      assert.deepEqual(await gateway.nextIds(), [`1:${n}`])
    }
  })

  it('sees a write in place behind a symbolic link', async (context) => {
    const directory = folder(context)
    mkdirSync(join(directory, 'real'))
    writeFileSync(join(directory, 'real', 'x.yaml'), routes(['1', 1]))
    symlinkSync(join('real', 'x.yaml'), join(directory, 'link.yaml'))
    const gateway = await watched(context, join(directory, 'link.yaml'), directory)
    writeFileSync(join(directory, 'real', 'x.yaml'), routes(['1', 2]))
    assert.deepEqual(await gateway.nextIds(), ['1:2'])
  })

  it('keeps everything when the target disappears or is emptied, and follows it when it comes back', async (context) => {
    const directory = folder(context)
    const target = join(directory, 'conf')
    mkdirSync(target)
    writeFileSync(join(target, 'a.yaml'), routes(['1', 1]))
    const gateway = await watched(context, target, directory)
    unlinkSync(join(target, 'a.yaml'))
    assert.match((await gateway.nextFaults())[0]?.message ?? '', /no configuration file is left/)
    rmSync(target, { recursive: true })
    assert.match((await gateway.nextFaults())[0]?.message ?? '', /ENOENT.*last documents stay in force/)
    assert.equal((await gateway.store.load()).documents.length, 1)
    mkdirSync(target)
    writeFileSync(join(target, 'a.yaml'), routes(['1', 2]))
    // Seen with the folder already there but still without its file, it says so first.
    let report = await gateway.next()
    while (report.kind === 'fault') report = await gateway.next()
    assert.equal(report.content.documents[0]?.value.n, 2)
    writeFileSync(join(target, 'a.yaml'), routes(['1', 3]))
    assert.deepEqual(await gateway.nextIds(), ['1:3'])
  })

  it('serves nothing when the files say so', async (context) => {
    const directory = folder(context)
    writeFileSync(join(directory, 'a.yaml'), routes(['1', 1]))
    const gateway = await watched(context, directory, directory)
    writeFileSync(join(directory, 'a.yaml'), routes())
    assert.deepEqual(await gateway.nextIds(), [])
  })

  it('reads again on demand though no file changed, for the environment may have', async (context) => {
    const directory = folder(context)
    writeFileSync(join(directory, 'a.yaml'), `routes:\n- {id: 1, n: "\${{N}}"}\n`)
    const environment: NodeJS.ProcessEnv = { N: '1' }
    const store = await openFileStore(directory, [READER], { environment })
    context.after(() => store.close())
    await store.load()
    environment.N = '2'
    await store.reload()
    const [document] = (await store.load()).documents
    assert.equal(
      formatPlace(
        store.locate(document?.key ?? { dialect: '', kind: '', id: '' }, 'n') ?? {
          file: '',
          line: 0,
          column: 0,
        },
      ),
      `${join(directory, 'a.yaml')}:2:14`,
    )
    assert.equal(document?.value.n, 2)
  })

  it('is calm: one report for a burst of writes', async (context) => {
    const directory = folder(context)
    const file = join(directory, 'a.yaml')
    writeFileSync(file, routes(['1', 0]))
    const gateway = await watched(context, directory, directory)
    for (let n = 1; n <= 50; n++) writeFileSync(file, routes(['1', n]))
    const startedAtMs = performance.now()
    assert.deepEqual(await gateway.nextIds(), ['1:50'])
    console.log(`files: a change acts after ${Math.round(performance.now() - startedAtMs)} ms`)
    assert.equal(gateway.unread, 0)
  })
})
