import type { Fault } from '../../model/document.ts'

/** Codes of the vendor's API that a fault of a document may have (spec/tencent.md 5.3). */
export type TencentCode =
  | 'MissingParameter'
  | 'MissingParameter.PluginConfig'
  | 'InvalidParameter'
  | 'InvalidParameterValue'
  | 'InvalidParameterValue.NotInOptions'
  | 'InvalidParameterValue.RangeExceeded'
  | 'InvalidParameterValue.LengthExceeded'
  | 'InvalidParameterValue.ParameterValueLimitExceeded'
  | 'InvalidParameterValue.InvalidIPAddress'
  | 'InvalidParameterValue.InvalidPort'
  | 'InvalidParameterValue.InvalidUpstream'
  | 'InvalidParameterValue.InvalidPluginConfig'
  | 'InvalidParameterValue.DuplicatePluginConfig'
  | 'InvalidParameterValue.InvalidCondition'
  | 'InvalidParameterValue.InvalidMethod'
  | 'InvalidParameterValue.InvalidBackendPath'
  | 'InvalidParameterValue.InvalidUrl'
  | 'InvalidParameterValue.InvalidEnv'
  | 'ResourceNotFound.InvalidPlugin'
  | 'ResourceNotFound.InvalidApi'
  | 'ResourceNotFound.InvalidService'
  | 'UnsupportedOperation'
  | 'UnsupportedOperation.ResourceAssociated'

export interface TencentFault extends Fault {
  readonly code: TencentCode
}

/** The vendor's code of a fault; one that came from elsewhere is an invalid value. */
export function tencentCodeOf(fault: Fault): TencentCode {
  return (fault as Partial<TencentFault>).code ?? 'InvalidParameterValue'
}

/** Collects all faults of one document. */
export class Faults {
  readonly list: TencentFault[] = []

  add(code: TencentCode, path: string, message: string, hint: string | null = null): void {
    this.list.push({ path, message, hint, code })
  }

  missing(path: string, name: string, why = 'is required'): void {
    this.add('MissingParameter', path === '' ? name : `${path}.${name}`, why)
  }
}

export function joinPath(outer: string, inner: string): string {
  if (outer === '') return inner
  return inner === '' ? outer : `${outer}.${inner}`
}
