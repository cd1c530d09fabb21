import type { EntranceQuestion } from '../model/explanation.ts'
import { isJsonObject, type JsonValue } from '../model/json.ts'
import { ExplainError, readExplainRequest, textOf } from './explain-request.ts'

/** What comes in where nothing else is said. */
const DEFAULT_URL = '/'

/** The body of `POST /headgate/v1/explain/entrance`: `{dialect?, id, entrance?}` beside the members of a request, of which `listener` has no meaning. Throws ExplainError. */
export function readEntranceQuestion(given: JsonValue): EntranceQuestion {
  if (!isJsonObject(given)) throw new ExplainError('badRequest', 'what to explain is an object with an id')
  const { dialect: _, id: __, entrance: ___, ...request } = given
  if (Object.hasOwn(request, 'listener'))
    throw new ExplainError('badRequest', 'listener: the entrance says which one it is')
  const id = textOf(given, 'id')
  if (id === null || id === '')
    throw new ExplainError('badRequest', 'id: the document that asks for the listener is needed')
  return makeEntranceQuestion({
    dialect: textOf(given, 'dialect'),
    id,
    entrance: textOf(given, 'entrance'),
    request: readExplainRequest({ url: DEFAULT_URL, ...request }),
  })
}

/** The same, where the request is known. Throws ExplainError. */
export function makeEntranceQuestion(question: EntranceQuestion): EntranceQuestion {
  const { listener } = question.request
  if (listener !== null)
    throw new ExplainError(
      'badRequest',
      `the port ${listener} of the URL has no meaning here: the entrance says which listener it is`,
    )
  return question
}
