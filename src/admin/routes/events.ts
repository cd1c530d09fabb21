import { EVENT_TYPES, type GatewayEvent, MAX_EVENTS, readEventTypes } from '../../gateway/events.ts'
import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnCall, type OwnEndpoint, readNumber } from '../endpoint.ts'
import type { EventSink, StreamAnswer } from '../event-stream.ts'
import { type Answer, problem } from '../problem.ts'

/** Streams of events at one time. */
const MAX_STREAMS = 64

/** What happens beside requests: revisions, documents, workers, readiness, store. */
export function eventEndpoints(control: AdminControl): readonly OwnEndpoint[] {
  let streams = 0
  const follow = (call: OwnCall): StreamAnswer | Answer => {
    const { query } = call
    const types = readEventTypes(query.get('types') ?? '')
    if (typeof types === 'string') return problem('BAD_QUERY', types)
    const last = readNumber(query, 'last', 0, MAX_EVENTS) ?? 0
    if (last === 'bad') return problem('BAD_QUERY', `last must be 0 to ${MAX_EVENTS}`)
    const isWanted = (event: GatewayEvent): boolean => types.has(event.type)
    const follows = query.get('follow') ?? 'true'
    if (follows === 'false') {
      const list = control.events
        .last(MAX_EVENTS)
        .filter(isWanted)
        .slice(-(last === 0 ? MAX_EVENTS : last))
      return answerJson({ list, total: list.length })
    }
    if (follows !== 'true') return problem('BAD_QUERY', 'follow must be true or false')
    if (streams >= MAX_STREAMS)
      return problem('TOO_MANY_STREAMS', `${MAX_STREAMS} streams of events are open`)
    const lastId = call.headers['last-event-id']
    return {
      open(sink) {
        streams++
        const close = control.events.subscribe((event) => {
          if (isWanted(event)) sendEvent(sink, event)
        })
        sendEarlier(control, sink, lastId, last, isWanted)
        return () => {
          streams--
          close()
        }
      },
    }
  }
  return [
    {
      method: 'GET',
      path: '/headgate/v1/events',
      summary: 'Follow what happens to the gateway: revisions, documents, workers, readiness, store',
      isWrite: false,
      query: [
        {
          name: 'types',
          description: `Only these types, with commas between them: ${EVENT_TYPES.join(', ')}`,
          schema: { type: 'string' },
        },
        {
          name: 'last',
          description: 'Begin with so many events that were already',
          schema: { type: 'integer', minimum: 0, maximum: MAX_EVENTS, default: 0 },
        },
        {
          name: 'follow',
          description: 'false: answer with the events that were, as JSON',
          schema: { type: 'boolean', default: true },
        },
      ],
      answer: {
        type: 'object',
        required: ['list', 'total'],
        properties: {
          list: {
            type: 'array',
            items: {
              type: 'object',
              required: ['id', 'type', 'atMs', 'text', 'data'],
              properties: {
                id: { type: 'string' },
                type: { type: 'string', enum: EVENT_TYPES },
                atMs: { type: 'integer', description: 'Milliseconds since 1970' },
                text: { type: 'string' },
                data: { type: 'object' },
              },
            },
          },
          total: { type: 'integer' },
        },
      },
      answerType: 'text/event-stream',
      handle: follow,
    },
  ]
}

/** After a break (`Last-Event-ID`) what was missed, as far as it is kept; else the last ones that were asked for. */
function sendEarlier(
  control: AdminControl,
  sink: EventSink,
  lastId: string | undefined,
  last: number,
  isWanted: (event: GatewayEvent) => boolean,
): void {
  if (lastId === undefined || lastId === '') {
    for (const event of control.events
      .last(MAX_EVENTS)
      .filter(isWanted)
      .slice(last === 0 ? MAX_EVENTS : -last))
      sendEvent(sink, event)
    return
  }
  const { events, missed } = control.events.after(lastId)
  if (missed !== 0) sink.send('lost', JSON.stringify({ events: missed }))
  for (const event of events) if (isWanted(event)) sendEvent(sink, event)
}

function sendEvent(sink: EventSink, event: GatewayEvent): void {
  sink.send(event.type, JSON.stringify(event), event.id)
}
