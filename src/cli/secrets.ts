/** `${{NAME}}` of files (store/files/interpolate.ts). */
const HOLE = /\$\{\{\s*([A-Za-z0-9_]+)/g
/** Variables that are named like this hold something that nobody should read over a shoulder or in the log of a build. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASS|CREDENTIAL/i
/** Shorter values would be found, and hidden, in the middle of other words. Characters. */
const SHORTEST = 4

/**
 * Hides what files take from variables that are named like secrets: gives a function that puts `***` in their place, wherever they stand in
 * a text. Values of other variables (ports, hosts) stay, since a difference is looked at for them.
 */
export function hideSecrets(
  texts: Iterable<string>,
  environment: Readonly<Record<string, string | undefined>>,
): (text: string) => string {
  const values = new Set<string>()
  for (const text of texts) {
    for (const [, name = ''] of text.matchAll(HOLE)) {
      const value = environment[name]
      if (value === undefined || value.length < SHORTEST || !SECRET_NAME.test(name)) continue
      values.add(value)
      // as it stands inside quotes, in YAML and in JSON
      values.add(JSON.stringify(value).slice(1, -1))
    }
  }
  if (values.size === 0) return (text) => text
  // a longer one first: it may hold a shorter one
  const sorted = [...values].sort((a, b) => b.length - a.length)
  return (text) => sorted.reduce((hidden, value) => hidden.replaceAll(value, '***'), text)
}
