import type { Fault, Warning } from '../../model/document.ts'

/** Takes what a pass over a document finds: faults keep it from being accepted, warnings do not. Paths are those of the document. */
export class Sink {
  readonly faults: Fault[] = []
  readonly warnings: Omit<Warning, 'key'>[] = []

  refuse(path: string, message: string, hint: string | null = null): void {
    this.faults.push({ path, message, hint })
  }

  warn(path: string, message: string): void {
    this.warnings.push({ path, message })
  }
}

/** `rules[0]` and `when` to `rules[0].when`; either may be empty. */
export function joinPath(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner
  return inner.startsWith('[') ? outer + inner : `${outer}.${inner}`
}
