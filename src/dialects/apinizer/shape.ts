import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { suggest } from '../../model/suggest.ts'

/** What a field may hold, as data that checks: faults name the field, what it must be, and where a name is wrong the one that was meant. */
export type Shape = (value: JsonValue, path: string, faults: Faults) => void

export class Faults {
  readonly list: Fault[] = []
  add(path: string, message: string, hint: string | null = null): void {
    this.list.push({ path, message, hint })
  }
}

export function joinPath(outer: string, inner: string): string {
  return outer === '' ? inner : `${outer}.${inner}`
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** Fields that are null are as good as absent, but for required ones. `word`: what people call such an object. */
export function object(
  word: string,
  fields: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
): Shape {
  const known = Object.keys(fields)
  return (value, path, faults) => {
    if (!isJsonObject(value)) return faults.add(path, `${nameOf(path)} must be an object`.trim())
    for (const [key, inner] of Object.entries(value)) {
      const shape = Object.hasOwn(fields, key) ? fields[key] : undefined
      if (shape === undefined) {
        const near = suggest(key, known)
        faults.add(
          joinPath(path, key),
          `${word} has no field ${key}`,
          near === null ? `known: ${known.join(', ')}` : `did you mean ${near}?`,
        )
      } else if (inner !== null && inner !== undefined) shape(inner, joinPath(path, key), faults)
    }
    for (const key of required)
      if (value[key] === undefined || value[key] === null)
        faults.add(joinPath(path, key), `${key} is required`)
  }
}

export function text(
  rules: { readonly form?: RegExp; readonly words?: string; readonly most?: number } = {},
): Shape {
  return (value, path, faults) => {
    if (typeof value !== 'string') return faults.add(path, `${nameOf(path)} must be a text`)
    if (rules.most !== undefined && value.length > rules.most)
      return faults.add(
        path,
        `${nameOf(path)} has ${value.length} characters, at most ${rules.most} are allowed`,
      )
    if (rules.form !== undefined && !rules.form.test(value))
      faults.add(path, `${nameOf(path)} must be ${rules.words ?? 'of another form'}`)
  }
}

export function number(least: number, most: number, unit = ''): Shape {
  return (value, path, faults) => {
    if (typeof value !== 'number' || !(value >= least && value <= most))
      faults.add(
        path,
        `${nameOf(path)} must be a number from ${least} to ${most}${unit}, it is ${JSON.stringify(value)}`,
      )
  }
}

export function integer(least: number, most: number, unit = ''): Shape {
  return (value, path, faults) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      faults.add(
        path,
        `${nameOf(path)} must be an integer from ${least} to ${most}${unit}, it is ${JSON.stringify(value)}`,
      )
  }
}

export const flag: Shape = (value, path, faults) => {
  if (typeof value !== 'boolean') faults.add(path, `${nameOf(path)} must be true or false`)
}

export function choice(...words: readonly string[]): Shape {
  return (value, path, faults) => {
    if (typeof value === 'string' && words.includes(value)) return
    const near = typeof value === 'string' ? suggest(value, words) : null
    faults.add(
      path,
      `${nameOf(path)} must be ${words.join(', ')}`,
      near === null ? null : `did you mean ${near}?`,
    )
  }
}

export function list(of: Shape, most = 10_000): Shape {
  return (value, path, faults) => {
    if (!Array.isArray(value)) return faults.add(path, `${nameOf(path)} must be a list`)
    if (value.length > most)
      return faults.add(path, `${nameOf(path)} has ${value.length} entries, at most ${most} are allowed`)
    for (const [i, entry] of (value as readonly JsonValue[]).entries()) of(entry, `${path}[${i}]`, faults)
  }
}

/** A field that the system knows and this version does not serve. `allowed`: values that ask for nothing. */
export function refused(why: string, ...allowed: readonly JsonValue[]): Shape {
  return (value, path, faults) => {
    if (!allowed.some((other) => other === value))
      faults.add(path, `${nameOf(path)} is not supported: ${why}`)
  }
}

/** A list that is empty counts as absent. */
export function lengthOf(value: JsonObject, name: string): number {
  const field = value[name]
  return Array.isArray(field) ? field.length : 0
}
