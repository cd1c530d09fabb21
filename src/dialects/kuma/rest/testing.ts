import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { DialectRest, DialectSettings, ProxyView, RestResponse } from '../../dialect.ts'
import { FakeStore } from '../../testing/fake-store.ts'
import { sendCall } from '../../testing/send-call.ts'
import { kuma } from '../index.ts'
import { createRest } from '../rest.ts'

/** Helpers of the tests of the control plane's API; nothing else imports this file. */

/** A client over a store of its own. The clock begins at 2026-11-27T06:00:00Z and moves by one second per call. */
export class FakeClient {
  readonly store: FakeStore
  readonly rest: DialectRest
  /** Proxies of other processes, by the id of their document. */
  readonly proxies = new Map<string, ProxyView>()
  /** Why documents cannot be changed. */
  readOnly: string | null = null
  #seconds = 0

  constructor(settings: DialectSettings = DEFAULT_SETTINGS) {
    this.store = new FakeStore(kuma, settings)
    this.rest = createRest({
      store: this.store,
      settings,
      view: {
        endpoints: () => undefined,
        proxies: () => this.proxies,
        version: '1.2.3',
        readOnly: () => this.readOnly,
      },
      hostname: 'cp-1',
      clock: () => Date.UTC(2026, 10, 27, 6, 0, this.#seconds++),
    })
  }

  /** `target` is `METHOD /path?query`. */
  async send(
    target: string,
    body: JsonObject | string = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RestResponse> {
    return sendCall(this.rest, target, body, { host: 'cp.test:5681', ...headers })
  }
}
