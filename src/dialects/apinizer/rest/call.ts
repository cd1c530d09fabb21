import type {
  DocumentChange,
  DocumentStore,
  Fault,
  StoredDocument,
  Warning,
} from '../../../model/document.ts'
import type { EndpointView } from '../../../model/endpoint-view.ts'
import type { ExplainRequest, WorkerExplanation } from '../../../model/explanation.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { objectField, objectsField } from '../../../model/json-fields.ts'
import { checkValue } from '../../../model/safe-json.ts'
import type { ApinizerSettings } from '../../../model/settings.ts'
import { suggest } from '../../../model/suggest.ts'
import type { DialectSettings } from '../../dialect.ts'
import { resolveAddress } from '../address.ts'
import { environmentOf } from '../environment.ts'
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
  /** For the history; null: nothing was said. */
  readonly message: string | null
  endpoints(upstreamId: string): readonly EndpointView[] | undefined
  /** What each worker makes of a request. Throws 400 or 503. */
  explain(request: ExplainRequest): Promise<readonly WorkerExplanation[]>
}

const DEPLOY = 'deploy'
const TARGETS = 'deployTargetEnvironmentNameList'

/** One call: its body, and what it reads and writes. All changes of a call are one write: nothing is half-applied. */
export class Call {
  readonly options: CallOptions
  readonly body: JsonObject
  warnings: readonly Warning[] = []

  constructor(body: JsonObject, options: CallOptions) {
    this.body = body
    this.options = options
  }

  /** The body without what says where it is deployed. */
  fields(): JsonObject {
    return Object.fromEntries(
      Object.entries(this.body).filter(([name]) => name !== DEPLOY && name !== TARGETS),
    )
  }

  /** Throws 400 for a field of the body that the call does not have. */
  refuseOthers(...known: readonly string[]): void {
    const stray = Object.keys(this.body).find((name) => !known.includes(name))
    if (stray === undefined) return
    const near = suggest(stray, known)
    const hint = near === null ? '' : `; did you mean ${near}?`
    throw new CallError(
      400,
      known.length === 0 ? 'this call has no body' : `the call has no field ${stray}${hint}`,
    )
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
      // a writer elsewhere is noticed
      expectedRevision: previous?.modifiedRevision ?? 0,
    }
  }

  remove({ key, modifiedRevision }: StoredDocument): DocumentChange {
    return { op: 'delete', key, expectedRevision: modifiedRevision }
  }

  async write(changes: readonly DocumentChange[]): Promise<void> {
    const { author, message, store } = this.options
    this.warnings = (await store.write(changes, { author, message })).warnings
  }

  /** What deploys a proxy where the body asks for it, and the answer's part about it; none where it does not. */
  async deployments(
    project: string,
    name: string,
    proxy: JsonObject,
  ): Promise<{ readonly changes: readonly DocumentChange[]; readonly answer: JsonObject }> {
    const environments = this.#targets()
    if (environments === null) return { changes: [], answer: {} }
    const changes: DocumentChange[] = []
    for (const environment of environments)
      changes.push(await this.deployment(project, name, proxy, environment, 400))
    return { changes, answer: { deploymentResult: deploymentResult(environments) } }
  }

  /** Where the body wants the proxy deployed; null: nowhere. */
  #targets(): readonly string[] | null {
    const wanted = this.body[DEPLOY] ?? false
    if (typeof wanted !== 'boolean') throw new CallError(400, `${DEPLOY} must be true or false`)
    const names = this.body[TARGETS] ?? []
    if (!Array.isArray(names) || !names.every((one) => typeof one === 'string'))
      throw new CallError(400, `${TARGETS} must be a list of names`)
    if (!wanted) return null
    if (names.length === 0)
      throw new CallError(
        400,
        `${TARGETS} is required with deploy: true, as ${JSON.stringify(this.#environments().slice(0, 1))}`,
      )
    return [...new Set(names as readonly string[])]
  }

  /** `status`: of the failure where there is no such environment. */
  async deployment(
    project: string,
    name: string,
    proxy: JsonObject,
    environment: string,
    status: number,
  ): Promise<DocumentChange> {
    this.checkEnvironment(environment, status)
    const faults = findUnreadable(proxy, environment, this.options.settings.apinizer)
    if (faults.length > 0) throw refuseFaults(faults)
    return this.put(
      'deployments',
      deploymentId(project, name, environment),
      deployedValue(proxy, environment),
    )
  }

  checkEnvironment(environment: string, status = 404): void {
    const known = this.#environments()
    if (!known.includes(environment))
      throw new CallError(
        status,
        `there is no environment ${environment}; the setting apinizer.environments has ${known.join(', ')}`,
      )
  }

  #environments(): readonly string[] {
    return Object.keys(this.options.settings.apinizer.environments)
  }
}

/** Addresses that mean nothing in an environment: a variable that it does not have, or text that is no address once they are filled in. */
function findUnreadable(
  proxy: JsonObject,
  environment: string,
  settings: ApinizerSettings,
): readonly Fault[] {
  const variables = environmentOf(settings, environment)?.variables ?? {}
  const routing = objectField(proxy, 'routingInfo') ?? {}
  return objectsField(routing, 'routingAddressList').flatMap(({ at, entry }): Fault[] => {
    if (entry.enabled === false) return []
    const path = `routingInfo.routingAddressList[${at}].address`
    const resolved = resolveAddress(entry, variables)
    if ('missing' in resolved)
      return [
        {
          path,
          message: `the environment ${environment} has no variable ${resolved.missing}`,
          hint: `they are those of the setting apinizer.environments.${environment}.variables`,
        },
      ]
    return 'error' in resolved ? [{ path, message: resolved.error, hint: null }] : []
  })
}

export function deploymentResult(environments: readonly string[]): JsonValue {
  return {
    success: true,
    deploymentResults: environments.map((environmentName) => ({
      environmentName,
      success: true,
      message: 'deployed',
    })),
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
