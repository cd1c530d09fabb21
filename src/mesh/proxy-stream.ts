import type { Section } from '../model/listener.ts'
import type { ProxyProbe, ToProxy } from '../model/proxy-link.ts'
import type { MeshModels, ObjectKey } from './mesh-models.ts'

/** What a stream writes to: an answer of HTTP, or what a test has instead. */
export interface LineSink {
  /** False: it wants no more before it tells of `drain`. */
  write(text: string): boolean
  end(): unknown
  once(event: 'drain', listener: () => void): unknown
}

/**
 * The model of one proxy on its way there: first the whole, then what changed. While the proxy does not read, what changes is noted by name and nothing is written, so
 * that what waits is never more than one model; once it reads again it gets one patch with all of it.
 */
export class ProxyStream {
  readonly #models: MeshModels
  readonly #id: string
  readonly #sink: LineSink
  /** What the proxy is to be told of, by kind and id. */
  readonly #changed = new Map<string, ObjectKey>()
  #probes: readonly ProxyProbe[] | null = null
  #isWaiting = false
  #isOver = false
  #sent = 0
  #acknowledged = 0
  /** Revisions of models and patches that are not acknowledged yet. */
  #underWay: number[] = []

  constructor(models: MeshModels, id: string, sink: LineSink) {
    this.#models = models
    this.#id = id
    this.#sink = sink
  }

  /** Models and patches that were written, and those that the proxy has in force. */
  get sent(): number {
    return this.#sent
  }
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** The proxy serves what it was sent up to this revision. */
  acknowledge(revision: number): void {
    const before = this.#underWay.length
    this.#underWay = this.#underWay.filter((one) => one > revision)
    this.#acknowledged += before - this.#underWay.length
  }

  begin(sections: readonly Section[], probes: readonly ProxyProbe[]): void {
    this.#write({ type: 'hello', sections })
    this.#write({ type: 'probes', probes })
    const texts = this.#models.objectsOf(this.#id).map(({ text }) => text)
    this.#writeModel('model', texts, [])
  }

  note(objects: readonly ObjectKey[]): void {
    for (const object of objects) this.#changed.set(`${object.kind}:${object.id}`, object)
    this.#flush()
  }

  setProbes(probes: readonly ProxyProbe[]): void {
    this.#probes = probes
    this.#flush()
  }

  /** Nothing is sent to one who has not read what went before: that says as much. */
  heartbeat(): void {
    if (!this.#isWaiting && !this.#isOver) this.#write({ type: 'heartbeat' })
  }

  end(reason: string, isFinal: boolean): void {
    if (this.#isOver) return
    this.#write({ type: 'end', reason, isFinal })
    this.close()
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#changed.clear()
    this.#sink.end()
  }

  #flush(): void {
    if (this.#isOver || this.#isWaiting) return
    if (this.#probes !== null) {
      this.#write({ type: 'probes', probes: this.#probes })
      this.#probes = null
    }
    if (this.#changed.size === 0) return
    const texts: string[] = []
    const removals: ObjectKey[] = []
    for (const object of this.#changed.values()) {
      const text = this.#models.textOf(object)
      if (text === undefined) removals.push({ kind: object.kind, id: object.id })
      else texts.push(text)
    }
    this.#changed.clear()
    this.#writeModel('patch', texts, removals)
  }

  /** The objects stand as text already: a change for many proxies is not written out anew for each. */
  #writeModel(type: 'model' | 'patch', texts: readonly string[], removals: readonly ObjectKey[]): void {
    const { revision } = this.#models
    this.#sent++
    this.#underWay.push(revision)
    const head = `{"type":"${type}","revision":${revision}`
    this.#writeLine(`${head},"upserts":[${texts.join(',')}],"removals":${JSON.stringify(removals)}}`)
  }

  #write(line: ToProxy): void {
    this.#writeLine(JSON.stringify(line))
  }

  #writeLine(text: string): void {
    if (this.#sink.write(`${text}\n`) || this.#isWaiting) return
    this.#isWaiting = true
    this.#sink.once('drain', () => {
      this.#isWaiting = false
      this.#flush()
    })
  }
}
