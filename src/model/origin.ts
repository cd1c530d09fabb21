/**
 * Where a part of the model comes from. Explain, errors, metrics, logs and the console show it;
 * nothing on the request path reads it.
 */
export interface Origin {
  /** The language the document is written in: `apisix`, `kuma`, `tencent`, `apinizer`, `native`. */
  readonly dialect: string
  /** The dialect's own word for the resource, singular: `route`, `service`, `upstream`. */
  readonly kind: string
  /** The resource's id as text. */
  readonly id: string
  /** Path inside the document, e.g. `plugins.traffic-split.rules[0].weighted_upstreams[1]`; `''` is the document itself. */
  readonly path: string
}

/** The same origin, deeper in the document. */
export function originAt(origin: Origin, path: string): Origin {
  return { ...origin, path: origin.path === '' ? path : `${origin.path}.${path}` }
}
