import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonValue } from '../../model/json.ts'
import type { DialectRest, DialectSettings, RestResponse } from '../dialect.ts'
import { FakeStore } from '../testing/fake-store.ts'
import { sendCall } from '../testing/send-call.ts'
import { apisix } from './index.ts'
import { createRest } from './rest.ts'

/** Helpers of the tests of the Admin API; nothing else imports this file. */

/** The time at which a client of the tests starts: seconds since 1970. */
export const START_SECONDS = 1_700_000_000

/** A client of the Admin API over a store of its own. Its clock moves by one second with each request. */
export class FakeClient {
  readonly store: FakeStore
  readonly rest: DialectRest
  nowMs = START_SECONDS * 1000

  constructor(settings: DialectSettings = DEFAULT_SETTINGS) {
    this.store = new FakeStore(apisix, settings)
    this.rest = createRest(this.store, settings, () => this.nowMs)
  }

  /** `target` is `METHOD /path?query`; a body that is no text is sent as JSON. */
  async send(
    target: string,
    body: JsonValue = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RestResponse> {
    this.nowMs += 1000
    return sendCall(this.rest, target, body, headers)
  }
}
