/** Places in a resource as the system writes them: `a.b`, `a[0].b`, `a.match["kuma.io/service"]`. */

export function fieldPath(outer: string, name: string): string {
  return outer === '' ? name : `${outer}.${name}`
}

export function keyPath(outer: string, key: string): string {
  return `${outer}[${JSON.stringify(key)}]`
}
