import { call } from '../support/admin.ts'
import type { Side, Site } from '../support/site.ts'

/** Ten requests, of which six must have come from blue and four from green: what is measured has to be what it is said to be. */
export async function expectSplit(
  site: Site,
  side: Side,
  path: string,
  headers: readonly string[] = [],
): Promise<void> {
  const fields = Object.fromEntries(headers.map((header) => header.split(': ') as [string, string]))
  const counts = new Map<string, number>()
  for (let i = 0; i < 10; i++) {
    const { text } = await call(side.port, 'GET', path, '', fields)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  const got = [site.blue, site.green].map((port) => counts.get(`hello from ${port}`) ?? 0)
  if (got[0] !== 6 || got[1] !== 4) throw new Error(`${path} is split ${got.join(':')} in ten, not 6:4`)
}
