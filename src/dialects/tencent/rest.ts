import { randomUUID } from 'node:crypto'
import type { DocumentStore } from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import { suggest } from '../../model/suggest.ts'
import { formatWarnings } from '../../model/warning-lines.ts'
import type {
  CallSignatures,
  DialectRest,
  DialectSettings,
  RestRequest,
  RestResponse,
  RestView,
} from '../dialect.ts'
import { type IdPrefix, makeId } from './kinds.ts'
import { ACTIONS, isQuestion } from './rest/actions.ts'
import { answerError, answerResponse } from './rest/answer.ts'
import { type Action, Call } from './rest/call.ts'
import { CallError, refusalError, storeError } from './rest/call-error.ts'
import type { Language } from './rest/language.ts'
import { describeRest } from './rest/openapi.ts'
import { readParameters } from './rest/parameters.ts'
import { findAction, readRequest } from './rest/request.ts'
import { isSigned, Signatures } from './rest/signature.ts'

/**
 * The vendor's API (spec/tencent.md 1, 2.3, 5.3) on one path, without the HTTP server: keys, addresses and the body limit are the server's
 * business, and `refuse` words what it refuses. Signatures are looked at where `tencent.credentials` says who may sign; else the key of the gateway stands in for them.
 */
export interface RestOptions {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  readonly language: Language
  /** How endpoints stand; absent: answers say that nothing is known. */
  readonly view?: RestView | undefined
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  readonly makeId?: (prefix: IdPrefix) => string
  readonly makeRequestId?: () => string
}

const PREFIX = '/tencent'

/** Bytes of a body: 200 nodes and ten policies need far less. 10 MiB is what the vendor takes. */
const MAX_BODY_BYTES = 10_485_760

export function createRest(options: RestOptions): DialectRest {
  const makeRequestId = options.makeRequestId ?? randomUUID
  const takesSignatures = Object.keys(options.settings.tencent.credentials).length > 0
  return {
    prefix: PREFIX,
    maxBodyBytes: MAX_BODY_BYTES,
    isOpen: (method) => method === 'OPTIONS',
    isQuestion: (request) => request.method === 'POST' && isQuestion(findAction(request) ?? ''),
    async handle(request) {
      if (request.method === 'OPTIONS') return { status: 200, headers: {}, body: '' }
      const requestId = makeRequestId()
      try {
        return await answerRequest(request, requestId, options)
      } catch (error) {
        const told = error instanceof GatewayError ? (storeError(error) ?? error) : error
        if (told instanceof CallError) return answerError(told, requestId, findAction(request) ?? '')
        throw told
      }
    },
    refuse(refusal) {
      const headers =
        refusal.kind === 'tooManyWrongKeys' ? { 'Retry-After': String(refusal.retryAfterSeconds) } : {}
      return answerError(refusalError(refusal, takesSignatures), makeRequestId(), '', headers)
    },
    describe: describeRest,
    ...(takesSignatures ? { signatures: signaturesOf(options, makeRequestId) } : {}),
  }
}

/** What counts as a wrong key: the others say what is wrong with the form or the clock. */
const FORGED: ReadonlySet<string> = new Set(['AuthFailure.SecretIdNotFound', 'AuthFailure.SignatureFailure'])

function signaturesOf({ settings, clock }: RestOptions, makeRequestId: () => string): CallSignatures {
  const signatures = new Signatures(settings.tencent.credentials, clock ?? Date.now)
  return {
    isSigned,
    verify(call, body) {
      try {
        if (body !== null) return { kind: 'good', signer: signatures.verify(call, body) }
        signatures.check(call)
        return { kind: 'good', signer: null }
      } catch (error) {
        if (!(error instanceof CallError)) throw error
        const answer = answerError(error, makeRequestId(), call.headers['x-tc-action'] ?? '')
        return { kind: 'refused', answer, reason: error.code, isWrongKey: FORGED.has(error.code) }
      }
    },
  }
}

async function answerRequest(
  request: RestRequest,
  requestId: string,
  options: RestOptions,
): Promise<RestResponse> {
  refusePlace(request)
  const { settings, store } = options
  const sent = readRequest(request, settings.limits.maxJsonDepth)
  const action = findKnown(sent.action)
  if (request.method !== 'POST' && !isQuestion(sent.action)) {
    throw new CallError(
      'UnsupportedProtocol',
      `${sent.action} changes something, so it must be sent with POST`,
    )
  }
  const call = new Call(readParameters(sent.action, action.parameters, sent), {
    store,
    settings,
    language: options.language,
    nowMs: (options.clock ?? Date.now)(),
    makeId: options.makeId ?? makeId,
    endpoints: (id) => options.view?.endpoints(id),
    author: request.author,
    message: request.headers['x-headgate-message'] ?? null,
  })
  const fields = await (isQuestion(sent.action) ? action.run(call) : store.exclusive(() => action.run(call)))
  return answerResponse(fields, requestId, {
    object: call.object === '' ? sent.action : `${sent.action} ${call.object}`,
    warnings: formatWarnings(call.warnings),
  })
}

/** One path, and two methods: what GET asks for stands in its query. */
function refusePlace({ method, path }: RestRequest): void {
  if (path.replace(/\/+$/, '') !== PREFIX) {
    throw new CallError(
      'UnsupportedOperation',
      `all actions are called at ${PREFIX}, there is nothing at ${path}`,
    )
  }
  if (method !== 'POST' && method !== 'GET') {
    throw new CallError(
      'UnsupportedProtocol',
      `actions are called with POST, those that only ask also with GET; not with ${method}`,
    )
  }
}

function findKnown(name: string): Action {
  const action = ACTIONS.get(name)
  if (action !== undefined) return action
  const near = suggest(name, ACTIONS.keys())
  const meant = near === null ? '' : `; did you mean ${near}?`
  throw new CallError('UnsupportedOperation', `there is no action ${name}${meant}`)
}
