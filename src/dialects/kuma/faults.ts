import type { Fault } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'

/** Collects all violations of one resource. */
export class Faults {
  readonly list: Fault[] = []

  add(path: string, message: string, hint: string | null = null): void {
    this.list.push({ path, message, hint })
  }
}

/** Fields of which an object may have one alone. Gives those that it has. */
export function checkOneOf(
  value: JsonObject,
  names: readonly string[],
  path: string,
  faults: Faults,
): readonly string[] {
  const present = names.filter((name) => Object.hasOwn(value, name))
  if (present.length > 1) faults.add(path, `has ${present.join(' and ')}: only one of them may stand here`)
  return present
}

/** The same where one is needed. */
export function checkExactlyOneOf(
  value: JsonObject,
  names: readonly string[],
  path: string,
  faults: Faults,
): readonly string[] {
  const present = checkOneOf(value, names, path, faults)
  if (present.length === 0) faults.add(path, `needs one of ${names.join(', ')}`)
  return present
}
