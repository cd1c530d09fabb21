import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodService } from '../../model/pod-service.ts'
import type { Cluster, Followed } from './cluster.ts'
import { hasLabels, type KubeKind, type KubeObject, readObject, SERVICE_LABEL } from './objects.ts'

/** How often the folder is looked at. Milliseconds. */
const LOOK_MS = 250
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** A cluster by files: the same objects as YAML or JSON in one folder, read again when one of them changes. A file that cannot be read keeps what was known before. */
export class DirectoryCluster implements Cluster {
  readonly #folder: string
  readonly #listeners = new Set<() => void>()
  readonly #first = Promise.withResolvers<void>()
  #objects: readonly KubeObject[] | null = null
  #reason = 'not read yet'
  /** Of the files as they were last read, well or badly. */
  #sign: string | null = null
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(folder: string) {
    this.#folder = folder
    void this.#look()
  }

  follow({ namespace, service, labels }: PodService, onChange: () => void): Followed {
    // a listener of its own, so that two who follow alike are two
    const listener = (): void => onChange()
    this.#listeners.add(listener)
    return {
      first: this.#first.promise,
      objects: () => {
        if (this.#objects === null) return null
        const own = this.#objects.filter(({ metadata }) => (metadata?.namespace ?? 'default') === namespace)
        return {
          service: own.find(({ kind, metadata }) => kind === 'Service' && metadata?.name === service) ?? null,
          slices: own.filter(
            ({ kind, metadata }) => kind === 'EndpointSlice' && metadata?.labels?.[SERVICE_LABEL] === service,
          ),
          pods:
            labels.length === 0
              ? null
              : new Set(
                  own.flatMap((object) =>
                    object.kind === 'Pod' && hasLabels(object, labels) ? [object.metadata?.name ?? ''] : [],
                  ),
                ),
        }
      },
      reason: () => this.#reason,
      close: () => void this.#listeners.delete(listener),
    }
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#first.resolve()
  }

  async #look(): Promise<void> {
    try {
      const names = (await readdir(this.#folder)).filter(
        (name) => /\.(?:ya?ml|json)$/.test(name) && !name.startsWith('.'),
      )
      const files = await Promise.all(
        names.toSorted().map(async (name) => {
          const file = join(this.#folder, name)
          const { ctimeMs, size, ino } = await stat(file)
          if (size > MAX_FILE_BYTES) throw new Error(`${file} is larger than ${MAX_FILE_BYTES} bytes`)
          return { file, sign: `${name} ${ctimeMs} ${size} ${ino}` }
        }),
      )
      const sign = files.map((one) => one.sign).join('\n')
      if (sign !== this.#sign) {
        this.#sign = sign
        await this.#read(files.map(({ file }) => file))
      }
    } catch (error) {
      // what a file says changes with the file only; whether it can be read may change without it
      if (!(error instanceof FileFault)) this.#sign = null
      this.#turn(error instanceof Error ? error.message : String(error))
    }
    this.#first.resolve()
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  async #read(files: readonly string[]): Promise<void> {
    const { parseAllDocuments } = await import('yaml')
    const found: KubeObject[] = []
    for (const file of files) {
      const documents = parseAllDocuments(await readFile(file, 'utf8'))
      for (const document of Array.isArray(documents) ? documents : []) {
        const [fault] = document.errors
        if (fault !== undefined) throw new FileFault(`${file}: ${fault.message.split('\n')[0]}`)
        try {
          collect(document.toJS({ maxAliasCount: 100 }), null, found)
        } catch (error) {
          throw new FileFault(`${file}: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
    }
    this.#objects = found
    this.#reason = ''
    this.#tell()
  }

  #turn(reason: string): void {
    if (this.#reason === reason) return
    this.#reason = reason
    this.#tell()
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** A file that can be read, and does not say what it should. */
class FileFault extends Error {}

const KINDS: ReadonlySet<unknown> = new Set<KubeKind>(['Service', 'EndpointSlice', 'Pod'])

/** An object, or those of a list, if they are of a kind that is read. `inner`: the kind where it is not said. */
function collect(value: unknown, inner: string | null, into: KubeObject[]): void {
  if (typeof value !== 'object' || value === null) return
  const { items, kind = inner } = value as { readonly items?: unknown; readonly kind?: unknown }
  if (typeof kind === 'string' && kind.endsWith('List')) {
    // entries of a typed list do not repeat their kind
    const own = kind === 'List' ? null : kind.slice(0, -'List'.length)
    if (!Array.isArray(items)) throw new Error(`${kind}: items must be a list`)
    for (const item of items) collect(item, own, into)
  } else if (KINDS.has(kind)) into.push(readObject(kind as KubeKind, value))
}
