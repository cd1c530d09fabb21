import type {
  DocumentChange,
  DocumentStore,
  StoredDocument,
  Warning,
  WriteResult,
} from '../../../model/document.ts'
import type { EndpointView } from '../../../model/endpoint-view.ts'
import type { ExplainRequest, Explanation } from '../../../model/explanation.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { flagField } from '../../../model/json-fields.ts'
import { checkValue } from '../../../model/safe-json.ts'
import type { DialectSettings } from '../../dialect.ts'
import { deployedValue } from '../file.ts'
import { APINIZER, deploymentId, type Kind, proxyId } from '../kinds.ts'
import { prepareValue } from '../own-form.ts'
import { listReferences } from '../summary.ts'
import { validate } from '../validate.ts'
import { CallError, refuseFaults } from './call-error.ts'

export interface CallOptions {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  readonly author: string
  endpoints(upstreamId: string): readonly EndpointView[] | undefined
  /** undefined: nobody serves (tests). */
  readonly explain: ((request: ExplainRequest) => Promise<Explanation>) | undefined
}

/** One call: its body, and what it reads and writes. All changes of a call are one write: nothing is half-applied. */
export class Call {
  readonly options: CallOptions
  readonly body: JsonObject
  warnings: readonly Warning[] = []

  constructor(body: JsonObject, options: CallOptions) {
    this.body = body
    this.options = options
  }

  async find(kind: Kind, id: string): Promise<StoredDocument | undefined> {
    return this.options.store.get({ dialect: APINIZER, kind, id })
  }

  async list(kind: Kind): Promise<readonly StoredDocument[]> {
    return this.options.store.list(APINIZER, kind)
  }

  /** Throws 404 where there is none. */
  async proxy(project: string, name: string): Promise<StoredDocument> {
    const found = await this.find('proxies', proxyId(project, name))
    if (found === undefined)
      throw new CallError(404, `there is no API proxy ${name} in the project ${project}`)
    return found
  }

  async deploymentsOf(project: string, name: string): Promise<readonly StoredDocument[]> {
    const prefix = `${proxyId(project, name)}.`
    return (await this.list('deployments')).filter(({ key }) => key.id.startsWith(prefix))
  }

  /** A change that puts a value, checked; throws 400 with every fault. */
  async put(kind: Kind, id: string, value: JsonObject): Promise<DocumentChange> {
    const { settings } = this.options
    const previous = await this.find(kind, id)
    const stored = prepareValue(kind, id, value, previous)
    const faults = validate(kind, stored, settings)
    if (faults.length > 0) throw refuseFaults(faults)
    for (const { path, kind: named, id: other } of listReferences(kind, stored))
      if ((await this.find(named as Kind, other)) === undefined)
        throw new CallError(400, `${path}: there is no ${named}/${other}`)
    return {
      op: 'put',
      key: { dialect: APINIZER, kind, id },
      value: stored,
      expiresAtMs: null,
      expectedRevision: null,
    }
  }

  remove(kind: Kind, id: string): DocumentChange {
    return { op: 'delete', key: { dialect: APINIZER, kind, id }, expectedRevision: null }
  }

  async write(changes: readonly DocumentChange[]): Promise<WriteResult> {
    const result = await this.options.store.write(changes, { author: this.options.author, message: null })
    this.warnings = result.warnings
    return result
  }

  /** What deploys a proxy where the body asks for it, and the answer's part about it; none where it does not. */
  async deployments(
    project: string,
    name: string,
    proxy: JsonObject,
  ): Promise<{ readonly changes: readonly DocumentChange[]; readonly answer: JsonObject }> {
    if (!flagField(this.body, 'deploy')) return { changes: [], answer: {} }
    const environments = readNames(this.body.deployTargetEnvironmentNameList)
    if (environments.length === 0)
      throw new CallError(400, 'deployTargetEnvironmentNameList is required with deploy: true')
    const changes = await Promise.all(
      environments.map((environment) => this.deployment(project, name, proxy, environment)),
    )
    return { changes, answer: { deploymentResult: deploymentResult(environments) } }
  }

  async deployment(
    project: string,
    name: string,
    proxy: JsonObject,
    environment: string,
  ): Promise<DocumentChange> {
    this.checkEnvironment(environment)
    return this.put(
      'deployments',
      deploymentId(project, name, environment),
      deployedValue(proxy, environment),
    )
  }

  checkEnvironment(environment: string): void {
    const known = Object.keys(this.options.settings.apinizer.environments)
    if (!known.includes(environment))
      throw new CallError(
        404,
        `there is no environment ${environment}; the setting apinizer.environments has ${known.join(', ')}`,
      )
  }
}

export function deploymentResult(environments: readonly string[]): JsonValue {
  return {
    success: true,
    environments: environments.map((environmentName) => ({ environmentName, success: true })),
  }
}

/** The body as an object; '' is an empty one. Throws 400. */
export function readBody(text: string, maxDepth: number): JsonObject {
  if (text.trim() === '') return {}
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    throw new CallError(400, `the body is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const reason = checkValue(value, maxDepth)
  if (reason !== null) throw new CallError(400, reason)
  if (!isJsonObject(value)) throw new CallError(400, 'the body must be an object')
  return value
}

function readNames(value: JsonValue | undefined): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw new CallError(400, 'deployTargetEnvironmentNameList must be a list of names')
  return [...new Set(value as string[])]
}
