import type { DocumentStore, StoredDocument, Warning } from '../../../model/document.ts'
import type { EndpointView } from '../../../model/endpoint-view.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { textField } from '../../../model/json-fields.ts'
import type { DialectSettings } from '../../dialect.ts'
import { ENVIRONMENTS, ID_FIELDS, type IdPrefix } from '../kinds.ts'
import { CallError } from './call-error.ts'
import { Edit } from './edit.ts'
import type { Language } from './language.ts'
import type { Parameters } from './parameters.ts'
import type { Fields } from './shape.ts'
import { Shelf } from './shelf.ts'

/** One action of the API. Those that begin with Describe only ask; all others change documents. */
export interface Action {
  /** One line: a verb and what it acts on. */
  readonly summary: string
  readonly parameters: Parameters
  /** What stands in `Response` beside the RequestId. */
  readonly answer: Fields
  /** Throws CallError. Those that change something run alone. */
  run(call: Call): Promise<JsonObject>
}

export interface CallOptions {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  readonly language: Language
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** A new id with that beginning; taken ones are asked for again. */
  readonly makeId: (prefix: IdPrefix) => string
  /** How the endpoints of an upstream of the model stand; undefined: nobody knows. */
  readonly endpoints: (upstreamId: string) => readonly EndpointView[] | undefined
  readonly author: string
  readonly message: string | null
}

type IdKind = keyof typeof ID_FIELDS

const NOT_FOUND = {
  upstreams: ['InvalidParameterValue.InvalidUpstream', 'upstream'],
  services: ['ResourceNotFound.InvalidService', 'service'],
  apis: ['ResourceNotFound.InvalidApi', 'API'],
  plugins: ['ResourceNotFound.InvalidPlugin', 'plugin'],
} as const

/** A call that is being answered: its parameters, of the types that the action names, and the documents. */
export class Call {
  readonly params: JsonObject
  readonly options: CallOptions
  readonly shelf: Shelf
  /** What the author should know though the call went well. */
  warnings: readonly Warning[] = []
  /** What the call acted on, for the audit log. */
  object = ''

  constructor(params: JsonObject, options: CallOptions) {
    this.params = params
    this.options = options
    this.shelf = new Shelf(options.store)
  }

  /** A required text. */
  text(name: string): string {
    return textField(this.params, name) ?? ''
  }

  /** The parameters that are fields of the document, as they were sent. */
  fields(names: Iterable<string>): Record<string, JsonValue> {
    const fields: Record<string, JsonValue> = {}
    for (const name of names) {
      const value = this.params[name]
      if (value !== undefined) fields[name] = value
    }
    return fields
  }

  environment(): string {
    const name = this.text('EnvironmentName')
    if ((ENVIRONMENTS as readonly string[]).includes(name)) return name
    throw new CallError(
      'InvalidParameterValue.InvalidEnv',
      `EnvironmentName must be one of ${ENVIRONMENTS.join(', ')}, not ${name}`,
    )
  }

  /** The document that a parameter names. */
  async find(kind: IdKind, id = this.text(ID_FIELDS[kind].field)): Promise<StoredDocument> {
    const document = await this.shelf.find(kind, id)
    if (document !== undefined) return document
    const [code, word] = NOT_FOUND[kind]
    throw new CallError(code, `there is no ${word} ${id}`)
  }

  /** An API of the service that the call names. */
  async findApi(id = this.text('ApiId')): Promise<StoredDocument> {
    const service = await this.find('services')
    const api = await this.find('apis', id)
    if (api.value.ServiceId === service.key.id) return api
    throw new CallError(
      'ResourceNotFound.InvalidApi',
      `the API ${id} is not one of the service ${service.key.id}`,
    )
  }

  async newId(kind: IdKind): Promise<string> {
    for (;;) {
      const id = this.options.makeId(ID_FIELDS[kind].prefix)
      if ((await this.shelf.find(kind, id)) === undefined) return id
    }
  }

  newEdit(): Edit {
    return new Edit(this.options)
  }

  async commit(edit: Edit, object: string): Promise<void> {
    this.warnings = await edit.commit()
    this.object = object
  }
}
